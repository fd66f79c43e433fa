import type { RowState, WriteEvidence } from '../operation/evidence.ts'
import type { Assigned, InsertStatement } from '../sql/statement.ts'
import type { AnswerRow } from './answer.ts'
import type { TableDescription } from './describe-table.ts'
import { shortXid } from './overwritten-by-self.ts'
import { givenValue, keyText } from './pin.ts'
import type { RowStatement } from './rewrite.ts'
import type { Values } from './sql.ts'

/** The state of a row, with its token where it is of the table that was described. */
export function stateOf(
  table: TableDescription,
  record: Values,
  { oid, key, xmin }: { oid: unknown; key: unknown; xmin: unknown },
): RowState {
  if (oid !== table.oid || typeof key !== 'string' || typeof xmin !== 'string') return { record }
  return { record, xmin, row: { database: table.database, table: table.oid, key } }
}

/** What one row of the answer tells of the version that was replaced and the one that was made. */
export function statesOf(
  statement: Exclude<RowStatement, { kind: 'select' }>,
  table: TableDescription,
  { extra, whole = {}, replaced }: AnswerRow,
): Pick<WriteEvidence, 'before' | 'after'> {
  const { table: oid, key, xmin } = extra
  const state = stateOf(table, whole, { oid, key, xmin })
  switch (statement.kind) {
    case 'insert':
      // a row that ON CONFLICT found was replaced by a version that nobody told us
      return { before: statement.onConflict === 'update' ? undefined : 'none', after: state }
    case 'delete':
      return { before: state, after: undefined }
    case 'update': {
      if (!replaced) return { before: undefined, after: state }
      const keyBefore = table.key in statement.assigned ? keyText(replaced[table.key]) : key
      return { before: stateOf(table, replaced, { oid, key: keyBefore, xmin: extra.replaced }), after: state }
    }
  }
}

/** The ids that a statement wrote with; one that is a transaction of its own has but one, which what it wrote shows. */
export function transactionIdsOf({ extra }: AnswerRow, wrote: boolean): string[] {
  const ids: string[] = []
  if (wrote && typeof extra.xmin === 'string') ids.push(extra.xmin)
  if (typeof extra.xact === 'string') ids.push(shortXid(BigInt(extra.xact)))
  return ids
}

/** What a statement assigns to the columns of one row. */
export function assignedColumns(
  statement: Exclude<RowStatement, { kind: 'select' }>,
  values: readonly unknown[],
  index: number,
  table: TableDescription | undefined,
): Pick<WriteEvidence, 'data' | 'expressions'> {
  if (statement.kind === 'delete') return { data: {} }
  const data: Record<string, unknown> = {}
  const expressions: string[] = []
  const columns = statement.kind === 'update' ? statement.assigned : insertedColumns(statement, index, table)
  for (const column in columns) {
    const given = columns[column] as Assigned
    if (given === 'expression') expressions.push(column)
    else data[column] = asStored(givenValue(given, values), column, table)
  }
  return { data, expressions }
}

/** A json column is given its text, and read as what the text says. */
function asStored(value: unknown, column: string, table: TableDescription | undefined): unknown {
  if (typeof value !== 'string' || !table?.jsonColumns.has(column)) return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function insertedColumns(
  { columns, rows }: InsertStatement,
  index: number,
  table: TableDescription | undefined,
): Readonly<Record<string, Assigned>> {
  const names = columns ?? [...(table?.columns.values() ?? [])]
  const inserted: Record<string, Assigned> = Object.create(null)
  for (const [place, given] of (rows?.[index] ?? []).entries()) {
    const name = names[place]
    if (name !== undefined) inserted[name] = given
  }
  return inserted
}
