import type { KeyOrder, KeyRange } from '@syncproof/core/comparison'
import { type Column, quoted, type Table } from './catalogue.ts'

interface Statement {
  readonly sql: string
  readonly values: readonly string[]
}

/** Rows behind a key in the byte order of keys, or from the first on; of a range of keys, where one is given. Rows without
 *  a key are included, in the range that has no lower bound: leaving them out would hide them. */
export function selectAfter(table: Table, after: string | undefined, range: KeyRange | undefined): Statement {
  const values: string[] = []
  const conditions = range ? inRange(table, range, values) : []
  if (after !== undefined) {
    conditions.push(`${keyBytes(table)} > cast(? as binary)`)
    values.push(after)
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  return {
    sql: `select ${columns(table)} from ${table.sqlName} ${where} order by ${keyBytes(table)}`,
    values,
  }
}

/** One row by key and its parts. Compared as the column does, so that an index serves, and by its bytes: collations call
 *  texts equal that differ in case, accents and trailing spaces, and numbers equal to texts that begin like them.
 *  @returns undefined where no row can have such a key */
export function selectByKey(table: Table, key: string, parts: readonly string[]): Statement | undefined {
  const isPossible = table.keys.every(
    (column, at) => !isInteger(column) || /^-?\d{1,20}$/.test(parts[at] ?? ''),
  )
  if (!isPossible) return undefined
  const conditions = table.keys.map((column) => `${quoted(column.name)} = ${parameterOf(column)}`)
  return {
    sql: `select ${columns(table)} from ${table.sqlName}
      where ${conditions.join(' and ')} and ${keyBytes(table)} = cast(? as binary) limit 2`,
    values: [...parts, key],
  }
}

/** The first key that many places behind a key, or behind the beginning. */
export function selectBoundary(table: Table, after: string | undefined, records: number): Statement {
  const [key] = table.keys
  if (key === undefined) throw new Error('a table has a key')
  const column = quoted(key.name)
  const where = after === undefined ? '' : `where ${column} >= ${parameterOf(key)}`
  return {
    sql: `select ${key.type.select(column)} as \`key\` from ${table.sqlName} ${where} order by ${column} limit 1 offset ${records}`,
    values: after === undefined ? [] : [after],
  }
}

/** The orders in which an index finds ranges of the key. */
export function ordersOf({ keys, isIndexed }: Table): readonly KeyOrder[] {
  const [key] = keys
  if (key === undefined || !isIndexed) return []
  if (isInteger(key)) return ['integer']
  // others pad with spaces, or order by a language
  return /^(?:utf8mb4|ascii)_(?:0900|nopad)_bin$/.test(key.collation ?? '') ? ['bytes'] : []
}

function inRange({ keys: [key] }: Table, { from, to }: KeyRange, values: string[]): string[] {
  if (key === undefined) return []
  const column = quoted(key.name)
  const conditions: string[] = []
  if (from !== null) {
    conditions.push(`${column} >= ${parameterOf(key)}`)
    values.push(from)
  }
  if (to !== null) {
    const upper = `${column} < ${parameterOf(key)}`
    conditions.push(from === null ? `(${upper} or ${column} is null)` : upper)
    values.push(to)
  }
  return conditions
}

const INTEGERS = new Set(['tinyint', 'smallint', 'mediumint', 'int', 'bigint'])

function isInteger({ dataType }: Column): boolean {
  return INTEGERS.has(dataType)
}

/** A text as a value of the column: a number that is compared with a text is compared as a float. */
function parameterOf(column: Column): string {
  if (!isInteger(column)) return '?'
  return column.isUnsigned ? 'cast(? as unsigned)' : 'cast(? as signed)'
}

/** Fields go by number, because a column may be named `key`. */
function columns(table: Table): string {
  const fields = table.fields.map(({ name, type }, at) => `${type.select(quoted(name))} as f${at}`)
  const version = table.version ? [`${table.version.type.select(quoted(table.version.name))} as version`] : []
  return [`${keyText(table)} as \`key\``, ...version, ...fields].join(', ')
}

/** As `joinKey` makes it. Backslashes are characters like others in this session. */
function keyText({ keys }: Table): string {
  const parts = keys.map(({ name, type }) => type.select(quoted(name)))
  if (parts.length === 1) return parts[0] ?? ''
  return parts.map((part) => `replace(replace(${part}, '\\', '\\\\'), '/', '\\/')`).join(" || '/' || ")
}

/** Its UTF-8 bytes: no collation orders or equates them. */
function keyBytes(table: Table): string {
  return `cast(${keyText(table)} as binary)`
}
