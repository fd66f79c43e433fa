import type { TableDescription } from './describe-table.ts'
import { ROW_MARKER } from './rewrite.ts'
import { EXTRA, type Values } from './sql.ts'

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
  _prebuiltEmptyResultObject?: object | null
  addFields?(fields: Field[]): void
}

/** What was added to one row of the answer. */
export interface AnswerRow {
  readonly extra: Readonly<Record<string, unknown>>
  /** The columns of the user's that are columns of the table, by their names there. */
  readonly own: Values
  /** Rows that were returned whole, in their order. */
  readonly whole: readonly Values[]
}

export interface Answer {
  /** What the user's statement would have answered. */
  readonly result: DriverResult
  readonly rows: readonly AnswerRow[]
}

/** Takes an answer in array mode apart.
 *  @param returnsRows whether the user's statement returns any
 *  @param rowMode what the user asked for
 *  @param castColumn the column that one of the answer shows in another type, where the adapter knows that */
export function readAnswer(
  answer: DriverResult,
  table: TableDescription,
  returnsRows: boolean,
  rowMode: string | undefined,
  castColumn?: (field: Field) => string | undefined,
): Answer {
  const { fields } = answer
  const count = fields.findIndex(({ name }) => name === `${EXTRA}table`)
  const layout = layoutOf(fields, count)
  const own = fields.slice(0, count).map((field) => columnOf(field, table) ?? castColumn?.(field))
  return {
    result: restore(answer, fields.slice(0, count), returnsRows, rowMode),
    rows: (answer.rows as unknown[][]).map((row) => ({
      extra: Object.fromEntries(layout.extra.map(({ name, index }) => [name, row[index]])),
      own: record(
        own.map((name, index) => ({ name, index })),
        row,
      ),
      whole: layout.whole.map((columns) => record(columns, row)),
    })),
  }
}

interface Column {
  readonly name: string | undefined
  readonly index: number
}

function layoutOf(fields: readonly Field[], count: number) {
  const extra: { name: string; index: number }[] = []
  const whole: Column[][] = []
  for (const [index, { name }] of fields.entries()) {
    if (index < count) continue
    const current = whole.at(-1)
    if (name === `${EXTRA}${ROW_MARKER}`) whole.push([])
    else if (current) current.push({ name, index })
    else extra.push({ name: name.slice(EXTRA.length), index })
  }
  return { extra, whole }
}

function record(columns: readonly Column[], row: readonly unknown[]): Values {
  const values: Record<string, unknown> = {}
  for (const { name, index } of columns) if (name !== undefined) values[name] = row[index]
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
