import type { WriteEvidence } from '../operation/evidence.ts'
import { outcomeOfDatabaseError } from '../operation/outcome.ts'
import { reportWrite } from '../operation/report-row.ts'
import type { AnswerRow, DriverResult } from './answer.ts'
import { touchBlindly } from './connection.ts'
import type { TableDescription } from './describe-table.ts'
import { overwrittenBySelf } from './own-version.ts'
import type { Rewritten, RowStatement } from './rewrite.ts'
import { assignedColumns, statesOf, transactionIdsOf } from './row-evidence.ts'
import { type Sending, send } from './send.ts'
import { evidence, noteIsolation, outdated, type Sent } from './sent.ts'

type Write = Exclude<RowStatement, { kind: 'select' }>

const ACTIONS = { insert: 'create', update: 'update', delete: 'delete' } as const

/** Runs a statement that writes rows, and reports it. */
export async function runWrite(
  sent: Sent,
  statement: Write,
  rewritten: Rewritten | undefined,
): Promise<DriverResult> {
  const { context, table, call, pin } = sent
  const { schema, name } = statement.table
  const target = `${schema ?? ''}\n${name}\n${pin?.key ?? ''}`
  const answered = context.operation.beginWrite(target)
  const common = {
    action:
      statement.kind === 'insert' && statement.onConflict === 'update'
        ? ('upsert' as const)
        : ACTIONS[statement.kind],
    target,
    guard: statement.kind === 'update' ? statement.guard : undefined,
    mayHideVersion: false,
    transactionIds: [],
    before: undefined,
    after: undefined,
  }
  let answer: Sending
  try {
    answer = await send(sent, rewritten, statement.returning !== undefined)
  } catch (error) {
    answered()
    // a transaction that was not committed applied nothing
    const outcome = sent.transaction === 'none' ? outcomeOfDatabaseError(error) : 'rejected'
    const assigned = assignedColumns(statement, call.values, 0, table)
    reportWrite(context, { ...evidence(sent), ...common, ...assigned, outcome })
    throw error
  }
  const taken = evidence(sent)
  const { rows } = answer
  // of a transaction that nobody saw begin the end is not seen either
  const outcome = sent.transaction === undefined ? ('unknown' as const) : ('ok' as const)
  if (rows === undefined || rows.length === 0) {
    answered()
    reportWrite(context, {
      ...taken,
      ...common,
      ...assignedColumns(statement, call.values, 0, table),
      ...withoutRows(sent, statement, answer.result.rowCount, outcome),
    })
    if (answer.result.rowCount !== 0) touchBlindly(context, [name])
    return answer.result
  }
  const reports: WriteEvidence[] = []
  for (const [index, row] of rows.entries()) {
    const facts = table ? factsOf(sent, statement, table, row) : {}
    // mostly it is known at once: each turn of the event loop is the app's
    const self = facts.overwrittenBySelf
    const bySelf = self instanceof Promise ? await self : self
    const assigned = assignedColumns(statement, call.values, index, table)
    reports.push({ ...taken, ...common, ...assigned, ...facts, overwrittenBySelf: bySelf, outcome })
  }
  answered()
  for (const report of reports) reportWrite(context, report)
  return answer.result
}

/** A statement that touched no row wrote nothing, and is no refusal; one whose rows are not known proves nothing. */
function withoutRows(
  { pin }: Sent,
  statement: Write,
  rowCount: number | null,
  outcome: 'ok' | 'unknown',
): Pick<WriteEvidence, 'outcome' | 'rowsOverLimit'> {
  if (rowCount === 0) return { outcome: 'rejected', rowsOverLimit: 0 }
  const isOne = rowCount === 1 && (pin?.key !== undefined || isOneRow(statement))
  return { outcome, rowsOverLimit: isOne ? undefined : Math.max(rowCount ?? 1, 1) }
}

function isOneRow(statement: Write): boolean {
  return statement.kind === 'insert' && statement.rows?.length === 1
}

function factsOf(
  sent: Sent,
  statement: Write,
  table: TableDescription,
  row: AnswerRow,
): Omit<Partial<WriteEvidence>, 'overwrittenBySelf'> & {
  readonly overwrittenBySelf?: ReturnType<typeof overwrittenBySelf>
} {
  const isolation = noteIsolation(sent, row)
  const states = statesOf(statement, table, row)
  if (states.after && !states.after.row) outdated(sent, statement)
  const before = typeof states.before === 'object' ? states.before : undefined
  const told = before && { xmin: before.xmin, xact: row.extra.xact }
  return {
    ...states,
    isolation,
    overwrittenBySelf: told && overwrittenBySelf(sent.connection.asker, sent.transaction, told, isolation),
    transactionIds: transactionIdsOf(row, statement.kind !== 'delete'),
    mayHideVersion: row.extra.hides === true,
  }
}
