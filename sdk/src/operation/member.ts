import { limits } from '@syncproof/core/contract'

/** Stands for the value of a member that could not be read. */
export const UNREAD: unique symbol = Symbol('unread')

/** The value of a record's member, or `UNREAD` where it throws. */
export function memberOf(record: unknown, field: string): unknown {
  try {
    return (record as Readonly<Record<string, unknown>>)[field]
  } catch {
    return UNREAD
  }
}

/** The milliseconds of a Date, NaN of one that is none; undefined for any other value. Of a proxy, `instanceof` and
 *  the methods of a Date may throw. */
export function dateMs(value: unknown): number | undefined {
  try {
    return value instanceof Date ? Date.prototype.getTime.call(value) : undefined
  } catch {
    return undefined
  }
}

/** The names that an event can carry: own, enumerable, within the contract's bounds. */
export function fieldNames(record: unknown): readonly string[] {
  try {
    // of a revoked proxy, isArray throws too
    if (typeof record !== 'object' || record === null || Array.isArray(record)) return []
    const names = Object.keys(record)
    if (names.length <= limits.fieldsPerEventMax && names.every(isFieldName)) return names
    return names.filter(isFieldName).slice(0, limits.fieldsPerEventMax)
  } catch {
    return []
  }
}

/** Columns have few names, and each is asked for with every record. */
const goodNames = new Set<string>()
const GOOD_NAMES_MAX = 1_024

function isFieldName(name: string): boolean {
  if (goodNames.has(name)) return true
  // no JSON parser that guards against prototype pollution takes a batch with this name
  if (name === '__proto__' || !isText(name)) return false
  if (goodNames.size < GOOD_NAMES_MAX) goodNames.add(name)
  return true
}

/** Whether an event can carry it as a name or an id: some text within the contract's bound. */
export function isText(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && text.length <= limits.stringLengthMax && isStorable(text)
}

/** PostgreSQL stores neither NUL nor a lone surrogate. */
function isStorable(text: string): boolean {
  return !text.includes('\u0000') && text.isWellFormed()
}
