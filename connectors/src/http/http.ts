import type { SourceSpec } from '@syncproof/core/comparison'
import { ConfigError } from '../config-error.ts'
import { parseDuration, parseRate } from '../duration.ts'
import { checkMembers, isPlainObject, kindOf, type MemberRule, required, trueOrFalse } from '../members.ts'
import { type JsonPath, parsePath } from './json-path.ts'
import type { NextPage } from './next-page.ts'
import { HttpSource } from './source.ts'

export interface HttpOptions {
  /** First page, with the parameters that it needs: `https://ats.example/candidates?limit=100`. */
  readonly url: string
  /** Where a page holds its records: `$.data`. Default: the body is the list. */
  readonly records?: string
  /** The member that is the record's key: `id`, `$.attributes.externalRef`. */
  readonly key: string
  /** Default: one page is all. */
  readonly next?: NextPage
  /** One record by key: a path on the origin of `url`, or a whole URL, with `{key}` in it. 404 and 410 mean
   *  that there is none. */
  readonly get?: string
  /** Where the answer to `get` holds the record: `$.data`. Default: the body is the record. */
  readonly record?: string
  readonly headers?: Readonly<Record<string, string>>
  /** At most so many requests: `10/s`, `600/m`. Default: no limit of our own. */
  readonly rate?: string
  /** For one request with its body: `30s` is the default. */
  readonly timeout?: string
  /** The API lists keys in ascending order of their UTF-8 bytes. Default false. */
  readonly ordered?: boolean
}

const TIMEOUT_DEFAULT = '30s'
const WHOLE_BODY: JsonPath = []

/** Records of a JSON API over HTTP. A listing counts only when it is whole: each page 200 with JSON, no cursor
 *  twice, every page with something new, the end said by the API, and `X-Total-Count` reached where it is sent.
 *  At most 16 MiB a page. Numbers keep all their digits.
 *  @throws ConfigError for options that are missing, unknown or of the wrong type */
export function http(options: HttpOptions): SourceSpec {
  checkMembers(options, 'http', members, (path, detail) => new ConfigError(path, detail))
  const first = new URL(options.url)
  const label = `${first.origin}${first.pathname}`
  return {
    kind: 'http',
    description: `http ${label}`,
    open: () =>
      new HttpSource({
        label,
        first,
        next: options.next,
        get: options.get,
        recordsPath: parsePath(options.records ?? '$') ?? WHOLE_BODY,
        recordPath: parsePath(options.record ?? '$') ?? WHOLE_BODY,
        keyPath: parsePath(options.key) ?? WHOLE_BODY,
        ordered: options.ordered ?? false,
        requester: {
          headers: options.headers ?? {},
          timeoutMs: parseDuration(options.timeout ?? TIMEOUT_DEFAULT),
          spacingMs: options.rate === undefined ? 0 : parseRate(options.rate),
        },
      }),
  }
}

const httpUrl: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
    if (!URL.canParse(value)) return 'is no URL. Write the whole of it, as in https://ats.example/candidates.'
    const { protocol, username, password } = new URL(value)
    if (protocol !== 'http:' && protocol !== 'https:') return 'must begin with http:// or https://.'
    return username || password
      ? 'must not hold credentials. Write them as headers: { authorization: … }.'
      : undefined
  },
}

const getTemplate: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
    if (!value.includes('{key}')) return 'must have {key} in it, as in /candidates/{key}.'
    return value.startsWith('/') ? undefined : httpUrl.check(value.replaceAll('{key}', 'key'))
  },
}

const path: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be a path such as $.data, not ${kindOf(value)}.`
    return parsePath(value) ? undefined : 'is no path. Write member names with dots, as in $.data.items.'
  },
}

const nextPage: MemberRule = {
  check(value) {
    if (!isPlainObject(value) || (value.kind !== 'cursor' && value.kind !== 'link')) {
      return `must be cursor('$.next') or link(), not ${kindOf(value)}.`
    }
    return value.kind === 'cursor' ? path.check(value.path) : undefined
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

const members: Readonly<Record<keyof HttpOptions, MemberRule>> = {
  url: required(httpUrl),
  records: path,
  key: required(path),
  next: nextPage,
  get: getTemplate,
  record: path,
  headers: headerTexts,
  rate: parsed(parseRate),
  timeout: parsed(parseDuration),
  ordered: trueOrFalse,
}
