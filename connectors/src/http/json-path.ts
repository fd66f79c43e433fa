import { isPlainObject } from '../members.ts'

/** Members from the outside in: `$.data.items` and `data.items` are `['data', 'items']`, `$` is `[]`. */
export type JsonPath = readonly string[]

/** The path that a text spells, or undefined where it spells none. */
export function parsePath(text: string): JsonPath | undefined {
  if (text === '$') return []
  const names = (text.startsWith('$.') ? text.slice(2) : text).split('.')
  return names.every((name) => name !== '' && !/[[\]*$]/.test(name)) ? names : undefined
}

/** The value at a path; undefined where there is none. Reads own members only. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let at = value
  for (const name of path) {
    if (!isPlainObject(at) || !Object.hasOwn(at, name)) return undefined
    at = at[name]
  }
  return at
}
