import type { TableDescription } from './describe-table.ts'
import { readRecord, type TextParser } from './record-text.ts'
import { type Added, FIRST_ADDED, type Rewritten } from './rewrite.ts'
import type { Values } from './sql.ts'

export interface Field {
  readonly name: string
  readonly tableID?: number
  readonly columnID?: number
  readonly dataTypeID?: number
}

/** node-postgres's result, as far as it is used. */
export interface DriverResult {
  command: string
  rowCount: number | null
  oid?: number | null
  rows: unknown[]
  fields: Field[]
  _types?: unknown
  /** By the place of the column. */
  _parsers?: readonly TextParser[] | null
  _prebuiltEmptyResultObject?: object | null
  addFields?(fields: Field[]): void
}

/** What was added to one row of the answer, as text; `hides` is a boolean. */
type Extra = Readonly<Partial<Record<Exclude<Added, 'row'>, unknown>>>

export interface AnswerRow {
  readonly extra: Extra
  /** The columns of the user's that are columns of the table, by their names there; of a statement that returns no
   *  whole row. */
  readonly own: Values | undefined
  /** The row that was written or deleted, whole. */
  readonly whole: Values | undefined
  /** The row that an update replaced, whole; undefined where it could not be read. */
  readonly replaced: Values | undefined
}

export interface Answer {
  /** What the user's statement would have answered. */
  readonly result: DriverResult
  readonly rows: readonly AnswerRow[]
}

/** Where the parts of an answer stand. */
interface Layout {
  /** Of all columns: an answer with others has another layout. */
  readonly names: readonly string[]
  /** Columns of the user's. */
  readonly count: number
  readonly at: Readonly<Record<Added, number>>
  /** The place of the row after an update, and the names of its columns. */
  readonly wholeStart: number
  readonly whole: readonly string[]
}

/** Takes an answer in array mode apart.
 *  @param returnsRows whether the user's statement returns any
 *  @param rowMode what the user asked for
 *  @param castColumn the column that one of the answer shows in another type, where the adapter knows that */
export function readAnswer(
  answer: DriverResult,
  rewritten: Rewritten,
  table: TableDescription,
  returnsRows: boolean,
  rowMode: string | undefined,
  castColumn?: (field: Field) => string | undefined,
): Answer {
  const { fields } = answer
  const layout = layoutOf(rewritten, fields)
  const ownFields = returnsRows ? fields.slice(0, layout.count) : []
  const shows = rewritten.hasWholeRow
    ? undefined
    : ownFields.map((field) => columnOf(field, table) ?? castColumn?.(field))
  const rows: AnswerRow[] = []
  for (const row of answer.rows as unknown[][]) {
    rows.push({
      extra: extraOf(layout, row),
      own: shows && record(shows, row, 0),
      whole: rewritten.hasWholeRow ? record(layout.whole, row, layout.wholeStart) : undefined,
      replaced: replacedRow(answer, layout, row),
    })
  }
  return { result: restore(answer, ownFields, returnsRows, rowMode), rows }
}

const layouts = new WeakMap<Rewritten, Layout>()

function layoutOf(rewritten: Rewritten, fields: readonly Field[]): Layout {
  const known = layouts.get(rewritten)
  if (known && fits(known, fields)) return known
  const count = fields.findIndex(({ name }) => name === FIRST_ADDED)
  const { added } = rewritten
  const place = (name: Added) => {
    const index = added.indexOf(name)
    return index < 0 ? -1 : count + index
  }
  const wholeStart = count + added.length
  const names = fields.map(({ name }) => name)
  const layout: Layout = {
    names,
    count,
    at: {
      table: place('table'),
      key: place('key'),
      xmin: place('xmin'),
      replaced: place('replaced'),
      xact: place('xact'),
      isolation: place('isolation'),
      hides: place('hides'),
      row: place('row'),
    },
    wholeStart,
    whole: names.slice(wholeStart),
  }
  layouts.set(rewritten, layout)
  return layout
}

/** A table may get, lose and rename columns, and `*` is all of them. */
function fits({ names }: Layout, fields: readonly Field[]): boolean {
  if (names.length !== fields.length) return false
  for (let index = 0; index < names.length; index += 1) if (names[index] !== fields[index]?.name) return false
  return true
}

function extraOf({ at }: Layout, row: readonly unknown[]): Extra {
  return {
    table: textAt(row, at.table),
    key: textAt(row, at.key),
    xmin: textAt(row, at.xmin),
    replaced: textAt(row, at.replaced),
    xact: textAt(row, at.xact),
    isolation: textAt(row, at.isolation),
    hides: at.hides < 0 ? undefined : row[at.hides],
  }
}

/** A driver reads some of these as numbers. */
function textAt(row: readonly unknown[], index: number): string | undefined {
  const value = index < 0 ? undefined : row[index]
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined
}

function replacedRow(
  { _parsers }: DriverResult,
  { at, whole, wholeStart }: Layout,
  row: readonly unknown[],
): Values | undefined {
  const text = at.row < 0 ? undefined : row[at.row]
  // both rows are of one table at one moment: what is known of the columns of one holds for the other
  return typeof text === 'string' ? readRecord(text, whole, _parsers?.slice(wholeStart)) : undefined
}

function record(
  names: readonly (string | undefined)[],
  row: readonly unknown[],
  start: number,
): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index]
    if (name !== undefined) values[name] = row[start + index]
  }
  return values
}

/** The table's column that a column of the answer shows, whatever it was renamed to. */
export function columnOf({ tableID, columnID }: Field, table: TableDescription): string | undefined {
  return String(tableID) === table.oid && columnID ? table.columns.get(columnID) : undefined
}

/** By the driver's own means, so that the result is of its class and looks the same down to what it keeps for itself. */
function restore(
  answer: DriverResult,
  fields: Field[],
  returnsRows: boolean,
  rowMode: string | undefined,
): DriverResult {
  const Result = answer.constructor as new (rowMode: unknown, types: unknown) => DriverResult
  const result = new Result(rowMode, answer._types)
  result.command = answer.command
  result.rowCount = answer.rowCount
  if (answer.oid !== undefined) result.oid = answer.oid
  if (!returnsRows) return result
  result.addFields?.(fields)
  result.rows = (answer.rows as unknown[][]).map((row) => {
    const own = row.slice(0, fields.length)
    if (rowMode === 'array') return own
    const object: Record<string, unknown> = { ...result._prebuiltEmptyResultObject }
    for (const [index, { name }] of fields.entries()) object[name] = own[index]
    return object
  })
  return result
}
