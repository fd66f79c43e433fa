import type { ConfigError } from './config-error.ts'
import { didYouMean } from './suggest.ts'

/** What one member of a configuration object must be. */
export interface MemberRule {
  readonly required?: boolean
  /** @returns what is wrong with the value, as the end of a sentence that starts with its path */
  check(value: unknown): string | undefined
}

export type Problem = (path: string | undefined, detail: string) => ConfigError

/** Checks the members of one configuration object: none missing, none unknown, each as its rule says.
 *  @param later members that are known and not in this release
 *  @throws ConfigError, made by `problem`, for the first that is wrong */
export function checkMembers(
  value: unknown,
  path: string | undefined,
  rules: Readonly<Record<string, MemberRule>>,
  problem: Problem,
  later: readonly string[] = [],
): asserts value is Readonly<Record<string, unknown>> {
  if (!isPlainObject(value)) throw problem(path, `must be an object, not ${kindOf(value)}.`)
  const at = (name: string) => (path === undefined ? name : `${path}.${name}`)
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(rules, name)) continue
    if (later.includes(name)) {
      throw problem(at(name), 'is not in this release yet. Remove it: it would have no effect.')
    }
    const known = Object.keys(rules)
    throw problem(
      at(name),
      `is not a setting.${didYouMean(name, known) || ` Known here: ${known.join(', ')}.`}`,
    )
  }
  for (const [name, rule] of Object.entries(rules)) {
    const member = Object.hasOwn(value, name) ? value[name] : undefined
    if (member === undefined) {
      if (rule.required) throw problem(at(name), 'is missing. Add it.')
      continue
    }
    const wrong = rule.check(member)
    if (wrong !== undefined) throw problem(at(name), wrong)
  }
}

export const someText: MemberRule = {
  check: (value) =>
    typeof value === 'string' && value !== '' ? undefined : `must be text, not ${kindOf(value)}.`,
}

export const trueOrFalse: MemberRule = {
  check: (value) => (typeof value === 'boolean' ? undefined : `must be true or false, not ${kindOf(value)}.`),
}

export function required(rule: MemberRule): MemberRule {
  return { ...rule, required: true }
}

export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** For messages; never the value itself, which may be a secret. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (value === '') return 'empty text'
  if (Array.isArray(value)) return 'a list'
  return (
    { string: 'text', object: 'an object', undefined: 'undefined' }[typeof value as string] ??
    `a ${typeof value}`
  )
}
