import { createHash } from 'node:crypto'
import type {
  DeleteStatement,
  InsertStatement,
  SelectStatement,
  Span,
  UpdateStatement,
} from '../sql/statement.ts'
import type { TableDescription } from './describe-table.ts'
import { EXTRA, mayHide, quote } from './sql.ts'

export type RowStatement = SelectStatement | UpdateStatement | DeleteStatement | InsertStatement

/** What a statement is asked for besides, by the values of `AnswerRow.extra`. */
export type Added =
  | 'table'
  | 'key'
  | 'xmin'
  /** `xmin` of the row that was replaced. */
  | 'replaced'
  | 'xact'
  | 'isolation'
  | 'hides'
  /** The row that was replaced, whole, as the text of a record. */
  | 'row'

/** A statement that does and returns what the user's does, and more columns after those. */
export interface Rewritten {
  readonly text: string
  /** Of a prepared statement with this text. */
  readonly name: string
  /** The columns after the user's; the first of them is called `FIRST_ADDED`. */
  readonly added: readonly Added[]
  /** Whether all columns of the table come after those. */
  readonly hasWholeRow: boolean
  /** Where in the user's text a place of this one is; both counted from 1 in characters, as PostgreSQL does. */
  originalPosition(position: number): number | undefined
}

export const FIRST_ADDED = `${EXTRA}table`

/** The name of the CTE that locks and reads the row before it is updated. */
const BEFORE = `"${EXTRA}b"`

/** Undefined where the statement cannot be given more columns without a change of what it does or returns.
 *  @param isAlone it is a transaction of its own: the transaction's id is the `xmin` of what it wrote, and there is
 *  nothing that its isolation could matter to */
export function rewrite(
  text: string,
  statement: RowStatement,
  table: TableDescription,
  isAlone: boolean,
): Rewritten | undefined {
  if (statement.kind === 'update') return rewriteUpdate(text, statement, table, isAlone)
  const inTransaction = isAlone ? NOTHING : IN_TRANSACTION
  const ref = quote(statement.table.alias)
  if (statement.kind === 'select') {
    const { columnsEnd } = statement
    if (columnsEnd === undefined) return undefined
    const writer = new Surgery(text, [...ROW, ...inTransaction.filter((name) => name === 'isolation')], false)
    writer.copy({ start: 0, end: columnsEnd })
    writer.add(`, ${columns(writer.added, table, ref)}`)
    writer.copy({ start: columnsEnd, end: text.length })
    return writer
  }
  // a deleted row does not show who deleted it
  const who = statement.kind === 'delete' && isAlone ? ['xact' as const] : inTransaction
  const writer = new Surgery(text, [...ROW, ...who, 'hides'], true)
  writer.copy({ start: 0, end: statement.span.end })
  writer.add(statement.returning ? ', ' : ' RETURNING ')
  writer.add(`${columns(writer.added, table, ref)}, ${ref}.*`)
  writer.copy({ start: statement.span.end, end: text.length })
  return writer
}

const ROW: readonly Added[] = ['table', 'key', 'xmin']
const IN_TRANSACTION: readonly Added[] = ['xact', 'isolation']
const NOTHING: readonly Added[] = []

/** The row is locked and read by a CTE with the lock that the update itself takes, and the update's whole
 *  condition; see `updateBehindLock`. All columns of the CTE have names that no statement uses, so that no name of
 *  the user's becomes ambiguous.
 *
 *  What is returned is what costs: each column is described, sent and parsed. So the row that was replaced comes as
 *  one record, whose columns are those of the row after it: both are of one table at one moment. */
function rewriteUpdate(
  text: string,
  { table, parts, span, returning, stars, repeatable }: UpdateStatement,
  description: TableDescription,
  isAlone: boolean,
): Rewritten | undefined {
  // a column that is called as its table would be taken for the row
  if (!parts || !repeatable || [...description.columns.values()].includes(table.alias)) return undefined
  const ref = quote(table.alias)
  const key = `${ref}.${quote(description.key)}`
  const added: Added[] = [...ROW, 'replaced', 'hides', ...(isAlone ? NOTHING : IN_TRANSACTION), 'row']
  const writer = new Surgery(text, added, true)
  writer.copy({ start: 0, end: span.start })
  writer.add(
    `WITH ${BEFORE} AS (SELECT ${ref} AS "${EXTRA}row", ${key} AS "${EXTRA}value", ${ref}.xmin AS "${EXTRA}xmin" FROM `,
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
  writer.add(`${columns(added, description, ref)}, ${ref}.*`)
  writer.copy({ start: span.end, end: text.length })
  return writer
}

function columns(added: readonly Added[], table: TableDescription, ref: string): string {
  const expressions: Readonly<Record<Added, string>> = {
    table: `${ref}.tableoid AS "${FIRST_ADDED}"`,
    key: `${ref}.${quote(table.key)}::text`,
    xmin: `${ref}.xmin`,
    replaced: `${BEFORE}."${EXTRA}xmin"`,
    xact: 'pg_current_xact_id()',
    isolation: `current_setting('transaction_isolation')`,
    hides: mayHide(table),
    // not by a cast to text, for which the app may have defined its own
    row: `pg_catalog.record_out(${BEFORE}."${EXTRA}row")`,
  }
  return added.map((name) => expressions[name]).join(', ')
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

/** Puts a text together of pieces of the user's and pieces of ours. */
class Surgery implements Rewritten {
  text = ''
  #name: string | undefined
  readonly added: readonly Added[]
  readonly hasWholeRow: boolean
  readonly #original: string
  readonly #copies: { readonly at: number; readonly from: Span }[] = []

  constructor(original: string, added: readonly Added[], hasWholeRow: boolean) {
    this.#original = original
    this.added = added
    this.hasWholeRow = hasWholeRow
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
