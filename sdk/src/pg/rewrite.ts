import { createHash } from 'node:crypto'
import type {
  DeleteStatement,
  InsertStatement,
  SelectStatement,
  Span,
  UpdateStatement,
} from '../sql/statement.ts'
import type { TableDescription } from './describe-table.ts'
import { EXTRA, ISOLATION, overwrittenStatusOf, quote, stateColumns, writeColumns } from './sql.ts'

export type RowStatement = SelectStatement | UpdateStatement | DeleteStatement | InsertStatement

/** A statement that does and returns what the user's does, and more columns after those. */
export interface Rewritten {
  readonly text: string
  /** Of a prepared statement with this text. */
  readonly name: string
  /** Where in the user's text a place of this one is; both counted from 1 in characters, as PostgreSQL does. */
  originalPosition(position: number): number | undefined
}

/** The name of the CTE that locks and reads the row before it is updated. */
const BEFORE = `"${EXTRA}b"`
/** Stands before each row that is returned whole. */
export const ROW_MARKER = 'rows'

/** Undefined where the statement cannot be given more columns without a change of what it does or returns. */
export function rewrite(
  text: string,
  statement: RowStatement,
  table: TableDescription,
): Rewritten | undefined {
  const writer = new Surgery(text)
  const ref = quote(statement.table.alias)
  switch (statement.kind) {
    case 'select':
      if (statement.columnsEnd === undefined) return undefined
      writer.copy({ start: 0, end: statement.columnsEnd })
      writer.add(`, ${stateColumns(table, ref)}, ${ISOLATION}`)
      writer.copy({ start: statement.columnsEnd, end: text.length })
      return writer
    case 'update':
      return rewriteUpdate(writer, text, statement, table)
    default:
      writer.copy({ start: 0, end: statement.span.end })
      writer.add(statement.returning ? ', ' : ' RETURNING ')
      writer.add(`${stateColumns(table, ref)}, ${writeColumns(table)}, `)
      if (statement.kind === 'delete') writer.add(`${overwrittenStatusOf(`${ref}.xmin::text`)}, `)
      writer.add(`${wholeRow(ref)}`)
      writer.copy({ start: statement.span.end, end: text.length })
      return writer
  }
}

/** The row is locked and read by a CTE with the lock that the update itself takes, and the update's whole
 *  condition; see `updateBehindLock`. All columns of the CTE have names that no statement uses, so that no name of
 *  the user's becomes ambiguous. */
function rewriteUpdate(
  writer: Surgery,
  text: string,
  { table, parts, span, returning, stars, repeatable }: UpdateStatement,
  description: TableDescription,
): Rewritten | undefined {
  // a column that is called as its table would be taken for the row
  if (!parts || !repeatable || [...description.columns.values()].includes(table.alias)) return undefined
  const ref = quote(table.alias)
  const key = `${ref}.${quote(description.key)}`
  writer.copy({ start: 0, end: span.start })
  writer.add(
    `WITH ${BEFORE} AS (SELECT ${ref} AS "${EXTRA}row", ${key} AS "${EXTRA}value", ${ref}.xmin::text AS "${EXTRA}xmin" FROM `,
  )
  writer.copy(parts.target)
  writer.add(' WHERE ')
  writer.copy(parts.where)
  writer.add(' FOR NO KEY UPDATE) UPDATE ')
  writer.copy(parts.target)
  writer.add(' SET ')
  writer.copy(parts.set)
  writer.add(` FROM ${BEFORE} WHERE (`)
  writer.copy(parts.where)
  writer.add(`) AND ${key} = ${BEFORE}."${EXTRA}value" `)
  if (returning) copyReturning(writer, returning, stars, ref)
  writer.add(returning ? ', ' : 'RETURNING ')
  const xmin = `${BEFORE}."${EXTRA}xmin"`
  writer.add(
    `${stateColumns(description, ref)}, ${writeColumns(description)}, ${xmin} AS "${EXTRA}replaced", ${overwrittenStatusOf(xmin)}, `,
  )
  writer.add(`${wholeRow(`(${BEFORE}."${EXTRA}row")`)}, ${wholeRow(ref)}`)
  writer.copy({ start: span.end, end: text.length })
  return writer
}

/** `*` would also be the columns of the CTE. */
function copyReturning(writer: Surgery, returning: Span, stars: readonly Span[], ref: string): void {
  let start = returning.start
  for (const star of stars) {
    writer.copy({ start, end: star.start })
    writer.add(`${ref}.*`)
    start = star.end
  }
  writer.copy({ start, end: returning.end })
}

function wholeRow(row: string): string {
  return `'' AS "${EXTRA}${ROW_MARKER}", ${row}.*`
}

/** Puts a text together of pieces of the user's and pieces of ours. */
class Surgery implements Rewritten {
  text = ''
  #name: string | undefined
  readonly #original: string
  readonly #copies: { readonly at: number; readonly from: Span }[] = []

  constructor(original: string) {
    this.#original = original
  }

  get name(): string {
    this.#name ??= `syncproof_${createHash('sha1').update(this.text).digest('hex')}`
    return this.#name
  }

  copy(span: Span): void {
    this.#copies.push({ at: this.text.length, from: span })
    this.text += this.#original.slice(span.start, span.end)
  }

  add(text: string): void {
    this.text += text
  }

  originalPosition(position: number): number | undefined {
    const place = [...this.text].slice(0, position - 1).join('').length
    const copy = this.#copies.find(({ at, from }) => place >= at && place <= at + from.end - from.start)
    if (!copy) return undefined
    return [...this.#original.slice(0, copy.from.start + place - copy.at)].length + 1
  }
}
