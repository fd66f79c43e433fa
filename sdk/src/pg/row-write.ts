import type { WriteAction } from '@syncproof/core/contract'
import type { WriteEvidence } from '../operation/evidence.ts'
import { outcomeOfDatabaseError } from '../operation/outcome.ts'
import { reportWrite } from '../operation/report-row.ts'
import type { AnswerRow, DriverResult } from './answer.ts'
import { touchBlindly } from './connection.ts'
import { overwrittenBySelf } from './own-version.ts'
import type { Rewritten, RowStatement } from './rewrite.ts'
import { assignedColumns, statesOf, transactionIdsOf } from './row-evidence.ts'
import { type Sending, send } from './send.ts'
import { evidence, noteIsolation, outdated, type Sent } from './sent.ts'

type Write = Exclude<RowStatement, { kind: 'select' }>

/** Runs a statement that writes rows, and reports it. */
export async function runWrite(
  sent: Sent,
  statement: Write,
  rewritten: Rewritten | undefined,
): Promise<DriverResult> {
  const { connection, context, table, call, pin } = sent
  const { schema, name } = statement.table
  const target = `${schema ?? ''}\n${name}\n${pin?.key ?? ''}`
  const answered = context.operation.beginWrite(target)
  const write = {
    action: actionOf(statement),
    target,
    guard: statement.kind === 'update' ? statement.guard : undefined,
  }
  let answer: Sending
  try {
    answer = await send(sent, rewritten, statement.returning !== undefined)
  } catch (error) {
    answered()
    // a transaction that was not committed applied nothing
    const outcome = sent.transaction === 'none' ? outcomeOfDatabaseError(error) : 'rejected'
    const assigned = assignedColumns(statement, call.values, 0, table)
    reportWrite(context, { ...evidence(sent), ...NOT_SEEN, ...write, ...assigned, outcome })
    throw error
  }
  const taken = evidence(sent)
  const { rows, result } = answer
  // of a transaction that nobody saw begin the end is not seen either
  const outcome = sent.transaction === undefined ? ('unknown' as const) : ('ok' as const)
  if (!table || rows === undefined || rows.length === 0) {
    answered()
    const assigned = assignedColumns(statement, call.values, 0, table)
    const missed = withoutRows(sent, statement, result.rowCount, outcome)
    reportWrite(context, { ...taken, ...NOT_SEEN, ...write, ...assigned, ...missed })
    if (result.rowCount !== 0) touchBlindly(context, sent.blindly)
    return result
  }
  const reports: WriteEvidence[] = []
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index] as AnswerRow
    const isolation = noteIsolation(sent, row)
    const { before, after } = statesOf(statement, table, row)
    if (after && !after.row) outdated(sent, statement)
    const self = overwrittenBySelf(connection.asker, sent.transaction, before, row.extra.xact, isolation)
    const { data, expressions } = assignedColumns(statement, call.values, index, table)
    // spelled out, for this is made with every write, and spreading objects costs as much as all the rest here
    reports.push({
      adapter: taken.adapter,
      sentAt: taken.sentAt,
      sentOrder: taken.sentOrder,
      transaction: taken.transaction,
      durationUs: taken.durationUs,
      isolation,
      action: write.action,
      target,
      guard: write.guard,
      outcome,
      data,
      expressions,
      before,
      after,
      // mostly it is known at once: each turn of the event loop is the app's
      overwrittenBySelf: self instanceof Promise ? await self : self,
      transactionIds: transactionIdsOf(row, statement.kind !== 'delete'),
      mayHideVersion: row.extra.hides === true,
      isSilent: statement.returning === undefined,
    })
  }
  answered()
  for (const report of reports) reportWrite(context, report)
  return result
}

/** Of a write whose rows were not returned. */
const NOT_SEEN = { mayHideVersion: false, transactionIds: [], before: undefined, after: undefined }

function actionOf(statement: Write): WriteAction {
  if (statement.kind === 'insert') return statement.onConflict === 'update' ? 'upsert' : 'create'
  return statement.kind
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
