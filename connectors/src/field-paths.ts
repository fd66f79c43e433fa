import { isPlainObject, kindOf, type MemberRule } from './members.ts'

/** Members from the outside in: `$.data.items` and `data.items` are `['data', 'items']`, `$` is `[]`. A number is a place
 *  in a list. */
export type JsonPath = readonly string[]

/** The path that a text spells, or undefined where it spells none. */
function parsePath(text: string): JsonPath | undefined {
  if (text === '$') return []
  const names = (text.startsWith('$.') ? text.slice(2) : text).replaceAll(/\[(\d+)\]/g, '.$1').split('.')
  return names.every((name) => name !== '' && !/[[\]*$]/.test(name)) ? names : undefined
}

/** The path of a configuration that has been checked. */
export function pathOf(text: string): JsonPath {
  return parsePath(text) ?? []
}

/** The value at a path; undefined where there is none. Reads own members only. */
export function valueAt(value: unknown, path: JsonPath): unknown {
  let at = value
  for (const name of path) {
    if (Array.isArray(at)) at = /^\d{1,9}$/.test(name) ? at[Number(name)] : undefined
    else if (isPlainObject(at) && Object.hasOwn(at, name)) at = at[name]
    else return undefined
  }
  return at
}

/** Canonical field name to where a record has it: `{ name: '$.attributes.firstName' }`. */
export type FieldPaths = Readonly<Record<string, string>>

type Fields = Readonly<Record<string, unknown>>

/** Names the fields of records as the pair knows them. Members that are not named stay as they are, but one of the record
 *  itself that was given another name is not there twice. */
export function fieldReader(paths: FieldPaths | undefined): (fields: Fields) => Fields {
  if (paths === undefined) return (fields) => fields
  const named = Object.entries(paths).map(([name, path]) => [name, pathOf(path)] as const)
  const moved = new Set(named.flatMap(([, path]) => (path.length === 1 ? path : [])))
  return (fields) => {
    const result: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(fields)) if (!moved.has(name)) set(result, name, value)
    for (const [name, path] of named) {
      const value = valueAt(fields, path)
      if (value !== undefined) set(result, name, value)
    }
    return result
  }
}

/** As an own member, whatever its name. */
export function set(fields: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') fields[name] = value
  else Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true })
}

export const aPath: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be a path such as $.data, not ${kindOf(value)}.`
    return parsePath(value) ? undefined : 'is no path. Write member names with dots, as in $.data.items.'
  },
}

export const fieldPaths: MemberRule = {
  check(value) {
    if (!isPlainObject(value)) return `must be an object of paths by field name, not ${kindOf(value)}.`
    for (const [name, path] of Object.entries(value)) {
      const wrong = aPath.check(path)
      if (wrong) return `has '${name}', which ${wrong}`
    }
    return undefined
  },
}

/** How a system says that it keeps a record which it calls deleted: a member that is neither absent, null, false nor empty;
 *  or one that has one of some values, by their text. */
export type DeletedMark = string | { readonly path: string; readonly is: readonly unknown[] }

export function deletedReader(mark: DeletedMark | undefined): (fields: Fields) => boolean {
  if (mark === undefined) return () => false
  if (typeof mark === 'string') {
    const path = pathOf(mark)
    return (fields) => {
      const value = valueAt(fields, path)
      return value !== undefined && value !== null && !NOT_DELETED.includes(String(value))
    }
  }
  const path = pathOf(mark.path)
  const marks = mark.is.map(String)
  return (fields) => marks.includes(String(valueAt(fields, path)))
}

/** A database tells numbers and truth values as text. */
export const NOT_DELETED: readonly string[] = ['', 'false', '0']

export const deletedMark: MemberRule = {
  check(value) {
    if (!isPlainObject(value)) return aPath.check(value)
    if (!Array.isArray(value.is)) return "must be a path, or { path: '$.state', is: ['archived'] }."
    return aPath.check(value.path)
  },
}
