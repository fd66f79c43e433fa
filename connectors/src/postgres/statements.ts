import { type KeyRange, ListingError, type SourceRecord } from '@syncproof/core/comparison'
import { type Column, quoted, type Table } from './catalogue.ts'
import type { KeyIndex } from './key-index.ts'

interface Statement {
  readonly sql: string
  readonly values: unknown[]
}

export interface Page {
  /** Begins at this key in the byte order of keys. */
  readonly after: string | undefined
  readonly rowsMax: number | null
  /** Only rows of it; in the order of `index`. */
  readonly within?: { readonly range: KeyRange; readonly index: KeyIndex } | undefined
}

/** Rows from a key on, in the byte order of their keys; without a limit where `rowsMax` is null.
 *  Rows without a key are included, in the range that has no lower bound: leaving them out would hide them. */
export function selectAfter(
  table: Table,
  timestampZone: string | undefined,
  { after, rowsMax, within }: Page,
): Statement {
  const key = keyText(table.key)
  const values: unknown[] = []
  const parameter = (value: string) => `$${values.push(value)}::text`
  const conditions = within ? inRange(quoted(table.key.name), within.range, within.index, parameter) : []
  if (after !== undefined) conditions.push(`(${key} >= ${parameter(after)} or ${key} is null)`)
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const limit = rowsMax === null ? '' : `limit ${rowsMax}`
  const sql = `select ${columns(table, timestampZone)} from ${table.sqlName} ${where} order by ${key} ${limit}`
  return { sql, values }
}

/** SQL conditions that keep rows of a range. @param key quoted  @param parameter adds a value and names it */
export function inRange(
  key: string,
  { from, to }: KeyRange,
  { fromText }: KeyIndex,
  parameter: (value: string) => string,
): string[] {
  const lower = from === null ? [] : [`${key} >= ${fromText(parameter(from))}`]
  if (to === null) return lower
  const upper = `${key} < ${fromText(parameter(to))}`
  return from === null ? [`(${upper} or ${key} is null)`] : [...lower, upper]
}

/** Rows by keys, `$1`, as their type calls them equal: there may be others among them. */
export function selectByKeys(table: Table, timestampZone: string | undefined): string {
  return `select ${columns(table, timestampZone)} from ${table.sqlName}
    where ${quoted(table.key.name)} = any($1::text[]::${table.key.sqlType}[])`
}

/** One row by key, `$1`. Compared by its own type, so that an index serves, and as text, so that `1.0` is not
 *  taken for `1` nor `ADA` for `ada` where the type calls them equal. */
export function selectByKey(table: Table, timestampZone: string | undefined): Pick<Statement, 'sql'> {
  const key = quoted(table.key.name)
  return {
    sql: `select ${columns(table, timestampZone)} from ${table.sqlName}
      where ${key} = cast($1::text as ${table.key.sqlType}) and ${keyText(table.key)} = $1::text limit 2`,
  }
}

/** A selected row as a record. @throws ListingError where it has no key */
export function readRow(row: Record<string, unknown>, table: Table, observedAt: string): SourceRecord {
  const { key, version } = row
  if (typeof key !== 'string' || key === '') {
    throw new ListingError(
      'key_missing',
      `A row of the table has ${key === '' ? 'an empty' : 'no'} ${table.key.name}. Name a key column that every row has.`,
    )
  }
  const fields: Record<string, unknown> = Object.create(null)
  table.fields.forEach((column, at) => {
    const selected = row[`f${at}`]
    fields[column.name] = typeof selected === 'string' ? column.type.decode(selected) : null
  })
  return typeof version === 'string' ? { key, fields, observedAt, version } : { key, fields, observedAt }
}

/** Everything as text: a pool that is given may have parsers of its own, and those of the driver lose digits.
 *  Fields go by number, because a column may be named `key`. */
function columns(table: Table, timestampZone: string | undefined): string {
  const fields = table.fields.map(
    (column, at) => `${column.type.select(quoted(column.name), timestampZone)} as f${at}`,
  )
  const version = table.version ? [`${quoted(table.version.name)}::text as version`] : []
  return [`${keyText(table.key)} as key`, ...version, ...fields].join(', ')
}

function keyText(key: Column): string {
  return `(${quoted(key.name)}::text) collate "C"`
}
