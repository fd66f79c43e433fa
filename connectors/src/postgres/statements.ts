import type { KeyRange, SourceRecord } from '@syncproof/core/comparison'
import { set } from '../field-paths.ts'
import { sourceRecord } from '../source-record.ts'
import { keyOfRow } from '../tables.ts'
import { quoted, type Table } from './catalogue.ts'
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
  const key = keyText(table)
  const values: unknown[] = []
  const parameter = (value: string) => `$${values.push(value)}::text`
  const conditions = within ? inRange(within.index.column, within.range, within.index, parameter) : []
  if (after !== undefined) {
    const behind = `${key} >= ${parameter(after)}`
    conditions.push(table.keys.every(({ isNotNull }) => isNotNull) ? behind : `(${behind} or ${key} is null)`)
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
  const limit = rowsMax === null ? '' : `limit ${rowsMax}`
  const sql = `select ${columns(table, timestampZone)} from ${table.sqlName} ${where} order by ${key} ${limit}`
  return { sql, values }
}

/** SQL conditions that keep rows of a range. @param key quoted  @param parameter adds a value and names it */
export function inRange(
  key: string,
  { from, to }: KeyRange,
  { fromText, isUnique }: KeyIndex,
  parameter: (value: string) => string,
): string[] {
  const lower = from === null ? [] : [`${key} >= ${fromText(parameter(from))}`]
  if (to === null) return lower
  const upper = `${key} < ${fromText(parameter(to))}`
  // an index does not find rows by such a condition, and reads on behind the range
  return from === null && !isUnique ? [`(${upper} or ${key} is null)`] : [...lower, upper]
}

/** Rows by keys of one part, `$1`, as their type calls them equal: there may be others among them. */
export function selectByKeys(table: Table, timestampZone: string | undefined): string {
  const [key] = table.keys
  return `select ${columns(table, timestampZone)} from ${table.sqlName}
    where ${quoted(key?.name ?? '')} = any($1::text[]::${key?.sqlType}[])`
}

/** One row by key: `$1`, and after it each of its parts. Compared by its own type, so that an index serves, and as text, so
 *  that `1.0` is not taken for `1` nor `ADA` for `ada` where the type calls them equal. */
export function selectByKey(table: Table, timestampZone: string | undefined): Pick<Statement, 'sql'> {
  const parts = table.keys.map(
    ({ name, sqlType }, at) => `${quoted(name)} = cast($${at + 2}::text as ${sqlType})`,
  )
  return {
    sql: `select ${columns(table, timestampZone)} from ${table.sqlName}
      where ${parts.join(' and ')} and ${keyText(table)} = $1::text limit 2`,
  }
}

/** What rows become. */
export interface RowShape {
  readonly fields: (fields: SourceRecord['fields']) => SourceRecord['fields']
  readonly isDeleted: (fields: SourceRecord['fields']) => boolean
}

/** Makes selected rows records. What it returns throws ListingError where a row has no key. */
export function rowReader(
  table: Table,
  shape: RowShape,
): (row: Record<string, unknown>, observedAt: string) => SourceRecord {
  const selected = table.fields.map(({ name, type }, at) => ({ name, type, as: fieldName(at) }))
  return (row, observedAt) => {
    const key = keyOfRow(row.key, table.keys)
    const { version } = row
    const columns: Record<string, unknown> = {}
    for (const { name, type, as } of selected) {
      const value = row[as]
      set(columns, name, typeof value === 'string' ? type.decode(value) : null)
    }
    return sourceRecord({
      ...{ key, fields: shape.fields(columns), observedAt },
      version: typeof version === 'string' ? version : undefined,
      isDeleted: shape.isDeleted(columns),
    })
  }
}

/** Everything as text: a pool that is given may have parsers of its own, and those of the driver lose digits.
 *  Fields go by number, because a column may be named `key`. */
function columns(table: Table, timestampZone: string | undefined): string {
  const fields = table.fields.map(
    (column, at) => `${column.type.select(quoted(column.name), timestampZone)} as ${fieldName(at)}`,
  )
  const version = table.version ? [`${quoted(table.version.name)}::text as version`] : []
  return [`${keyText(table)} as key`, ...version, ...fields].join(', ')
}

function fieldName(at: number): string {
  return `f${at}`
}

/** As `joinKey` makes it, in the byte order of its text. */
function keyText({ keys }: Table): string {
  const [first, ...others] = keys.map(({ name }) => `${quoted(name)}::text`)
  if (others.length === 0) return `(${first}) collate "C"`
  const escaped = [first, ...others].map((part) => `replace(replace(${part}, '\\', '\\\\'), '/', '\\/')`)
  return `(${escaped.join(" || '/' || ")}) collate "C"`
}
