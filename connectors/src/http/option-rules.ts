import { ConfigError } from '../config-error.ts'
import { parseDuration, parseRate } from '../duration.ts'
import { aPath } from '../field-paths.ts'
import { isPlainObject, kindOf, type MemberRule, required, someText, trueOrFalse } from '../members.ts'
import { recordMembers } from '../records.ts'
import type { HttpOptions } from './http.ts'

const httpUrl: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
    if (!URL.canParse(value)) return 'is no URL. Write the whole of it, as in https://ats.example/candidates.'
    const { protocol, username, password } = new URL(value)
    if (protocol !== 'http:' && protocol !== 'https:') return 'must begin with http:// or https://.'
    return username || password
      ? 'must not hold credentials. Write them as auth: basic(user, password).'
      : undefined
  },
}

const getTemplate: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
    if (!/\{[^{}]+\}/.test(value)) return 'must have {key} in it, as in /candidates/{key}.'
    return value.startsWith('/') ? undefined : httpUrl.check(value.replaceAll(/\{[^{}]+\}/g, 'key'))
  },
}

const NEXT_KINDS: readonly unknown[] = ['cursor', 'link', 'offset', 'page', 'keyset']

const nextPage: MemberRule = {
  check(value) {
    if (!isPlainObject(value) || !NEXT_KINDS.includes(value.kind)) {
      return `must be cursor('$.next'), link(), offset(), page() or keyset({ … }), not ${kindOf(value)}.`
    }
    if (value.path !== undefined) {
      const wrong = aPath.check(value.path)
      if (wrong) return wrong
    }
    if (value.kind === 'keyset' && someText.check(value.param))
      return 'needs a `param`: keyset({ param: … }).'
    const hasPlace = typeof value.as !== 'string' || value.as.includes('{key}')
    return hasPlace ? undefined : 'has an `as` without {key} in it.'
  },
}

const auth: MemberRule = {
  check(value) {
    if (!isPlainObject(value) || (value.kind !== 'static' && value.kind !== 'login')) {
      return `must be basic(user, password), bearer(token) or login({ … }), not ${kindOf(value)}.`
    }
    return value.kind === 'login' ? httpUrl.check(value.url)?.replace(/^/, 'has a `url` that ') : undefined
  },
}

const headerTexts: MemberRule = {
  check(value) {
    if (!isPlainObject(value)) return `must be an object of texts, not ${kindOf(value)}.`
    try {
      new Headers(value as Record<string, string>)
    } catch {
      return 'has a name or a value that HTTP does not allow.'
    }
    const wrong = Object.entries(value).find(([, text]) => typeof text !== 'string')
    return wrong && `has '${wrong[0]}' as ${kindOf(wrong[1])}; it must be text.`
  },
}

const count: MemberRule = {
  check(value) {
    if (!isPlainObject(value) || (value.path === undefined) === (value.header === undefined)) {
      return "must say either `path` or `header`, as in { path: '$.total' }."
    }
    return value.path === undefined ? someText.check(value.header) : aPath.check(value.path)
  },
}

const PAUSE_UNITS: readonly unknown[] = [undefined, 's', 'ms', 'epoch-s', 'epoch-ms']

const pause: MemberRule = {
  check(value) {
    if (!isPlainObject(value) || (value.path === undefined && value.header === undefined)) {
      return "must say `header` or `path`, as in { header: 'x-ratelimit-reset', unit: 'epoch-s' }."
    }
    return PAUSE_UNITS.includes(value.unit)
      ? undefined
      : "has a `unit` that is none of 's', 'ms', 'epoch-s', 'epoch-ms'."
  },
}

const statuses: MemberRule = {
  check: (value) =>
    Array.isArray(value) &&
    value.every((status) => Number.isInteger(status) && status >= 100 && status <= 599)
      ? undefined
      : 'must be a list of HTTP statuses such as [404, 410].',
}

const anObject: MemberRule = {
  check: (value) => (isPlainObject(value) ? undefined : `must be an object, not ${kindOf(value)}.`),
}

function wholeUpTo(max: number): MemberRule {
  return {
    check: (value) =>
      Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max
        ? undefined
        : `must be a whole number from 1 to ${max}.`,
  }
}

function parsed(parse: (text: string) => number): MemberRule {
  return {
    check(value) {
      if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
      try {
        return parse(value) > 0 ? undefined : 'must be more than nothing.'
      } catch (error) {
        if (error instanceof ConfigError) return error.detail
        throw error
      }
    },
  }
}

/** What each option of `http` must be. */
export const members: Readonly<Record<keyof HttpOptions, MemberRule>> = {
  ...recordMembers,
  url: required(httpUrl),
  body: anObject,
  records: aPath,
  next: nextPage,
  get: getTemplate,
  record: aPath,
  gone: statuses,
  count,
  auth,
  headers: headerTexts,
  rate: parsed(parseRate),
  burst: wholeUpTo(1_000),
  inFlight: wholeUpTo(64),
  pause,
  timeout: parsed(parseDuration),
  pagesMax: wholeUpTo(10_000_000),
  ordered: trueOrFalse,
}
