import { elapsedUs, type Moment, now } from '../clock.ts'
import type { Context } from '../operation/context.ts'
import type { AdapterSource, WriteEvidence } from '../operation/evidence.ts'
import { outcomeOfDatabaseError, readMember } from '../operation/outcome.ts'
import { reportRead, reportWrite } from '../operation/report-row.ts'
import type { Answer, AnswerRow, DriverResult, Field } from './answer.ts'
import { columnOf, readAnswer } from './answer.ts'
import type { Call } from './call.ts'
import { type Connection, touchBlindly } from './connection.ts'
import type { TableDescription } from './describe-table.ts'
import { askXactAssigned } from './lock-check.ts'
import { overwrittenBySelf } from './own-version.ts'
import { type Pin, pinOf, ROWS_PER_STATEMENT_MAX } from './pin.ts'
import { type Rewritten, type RowStatement, rewrite } from './rewrite.ts'
import { assignedColumns, stateOf, statesOf, transactionIdsOf } from './row-evidence.ts'
import type { Values } from './sql.ts'

/** One statement that reads or writes rows of one table, under way in an operation. */
interface Sent {
  readonly connection: Connection
  readonly context: Context
  readonly call: Call
  readonly table: TableDescription | undefined
  readonly pin: Pin | undefined
  readonly adapter: AdapterSource
  readonly transaction: Connection['level']
  readonly sentOrder: number
  readonly sentAt: Moment
}

/** Runs it, so that it also brings evidence where that changes nothing for the app, and reports it.
 *  @returns what the user's own statement answers */
export async function runRowStatement(
  connection: Connection,
  context: Context,
  statement: RowStatement,
  call: Call,
): Promise<DriverResult> {
  const { present } = connection.options
  const declared = declaredOf(connection, context, statement.table.name)
  const table = await connection.catalogue.describe(
    connection.asker,
    statement.table,
    declared.key,
    connection.level !== 'none',
  )
  const pin =
    statement.kind === 'insert' || !table ? undefined : pinOf(statement.equalities, table.key, call.values)
  const sent: Sent = {
    connection,
    context,
    call,
    table,
    pin,
    adapter: {
      system: connection.system,
      table: statement.table.name,
      key: pin?.key,
      entityType: declared.type,
      present: present && ((record) => present(statement.table.name, record)),
    },
    transaction: connection.level,
    sentOrder: context.operation.knowledge.clock(),
    sentAt: now(),
  }
  const rewritten = table && rewritingOf(sent, statement, table)
  try {
    return statement.kind === 'select'
      ? await runSelect(sent, statement, rewritten)
      : await runWrite(sent, statement, rewritten)
  } finally {
    touchBlindly(
      context,
      statement.alsoTouches === 'anything'
        ? 'anything'
        : statement.alsoTouches.filter((name) => name !== statement.table.name),
    )
  }
}

function declaredOf({ options }: Connection, { operation }: Context, table: string) {
  for (const entities of [options.entities ?? {}, operation.instruments.entities]) {
    const found = Object.entries(entities).find(([, entity]) => entity.table === table)
    if (found) return { type: found[0], key: found[1].key }
  }
  return { type: undefined, key: undefined }
}

const rewritings = new WeakMap<
  RowStatement,
  { readonly table: TableDescription; readonly rewritten: Rewritten | undefined }
>()

/** Remembered by the statement, which is remembered by its text. */
function rewritingOf(
  { connection, call, pin }: Sent,
  statement: RowStatement,
  table: TableDescription,
): Rewritten | undefined {
  if (!table.givesTokens || !table.mayBeRewritten) return undefined
  if (connection.roleChanged || connection.client.native) return undefined
  const few =
    statement.kind === 'insert' ? (statement.rows?.length ?? Infinity) <= ROWS_PER_STATEMENT_MAX : pin
  if (!few) return undefined
  const known = rewritings.get(statement)
  if (known?.table === table) return known.rewritten
  const rewritten = rewrite(call.text, statement, table)
  rewritings.set(statement, { table, rewritten })
  return rewritten
}

async function runSelect(
  sent: Sent,
  statement: Extract<RowStatement, { kind: 'select' }>,
  rewritten: Rewritten | undefined,
): Promise<DriverResult> {
  const { connection, context, table, pin } = sent
  const answer = await send(sent, rewritten, true)
  const answered = evidence(sent)
  const lock = statement.lock && { mode: statement.lock, in_transaction: sent.transaction !== 'none' }
  if (answer.rows === undefined) touchBlindly(context, [statement.table.name])
  if (!pin || !table) return answer.result
  if (answer.rows === undefined) {
    const record = ownColumns(answer.result, table, castColumnOf(sent))
    if (pin.key !== undefined) reportRead(context, { ...answered, found: record && { record }, lock })
    return answer.result
  }
  if (answer.rows.length === 0) {
    if (pin.key !== undefined) reportRead(context, { ...answered, found: undefined, lock })
    return answer.result
  }
  for (const row of answer.rows) {
    const { table: oid, key, xmin } = row.extra
    const found = stateOf(table, row.own, { oid, key, xmin })
    if (!found.row) outdated(sent, statement)
    const isolation = noteIsolation(sent, row)
    const xactAssigned = await askXactAssigned(connection.asker, context, found)
    reportRead(context, { ...answered, isolation, found, lock, xactAssigned })
  }
  return answer.result
}

function castColumnOf({ connection, adapter }: Sent): ((field: Field) => string | undefined) | undefined {
  const { castColumn } = connection.options
  return castColumn && ((field) => castColumn(adapter.table, field))
}

/** The row that an answer without our columns shows. */
function ownColumns(
  result: DriverResult,
  table: TableDescription,
  castColumn: ReturnType<typeof castColumnOf>,
): Values | undefined {
  const row: unknown = result.rows[0]
  if (typeof row !== 'object' || row === null) return undefined
  const values: Record<string, unknown> = {}
  for (const [index, field] of result.fields.entries()) {
    const name = columnOf(field, table) ?? castColumn?.(field)
    if (name !== undefined) values[name] = Array.isArray(row) ? row[index] : readMember(row, field.name)
  }
  return values
}

type Write = Exclude<RowStatement, { kind: 'select' }>

const ACTIONS = { insert: 'create', update: 'update', delete: 'delete' } as const

async function runWrite(
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
  for (const [index, row] of rows.entries())
    reports.push({
      ...taken,
      ...common,
      ...assignedColumns(statement, call.values, index, table),
      ...(await factsOf(sent, statement, row)),
      outcome,
    })
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

async function factsOf(sent: Sent, statement: Write, row: AnswerRow) {
  const { table, connection, transaction } = sent
  if (!table) return {}
  const isolation = noteIsolation(sent, row)
  const states = statesOf(statement, table, row)
  if (states.after && !states.after.row) outdated(sent, statement)
  const before = typeof states.before === 'object' ? states.before : undefined
  return {
    ...states,
    isolation,
    overwrittenBySelf:
      before &&
      (await overwrittenBySelf(
        connection.asker,
        transaction,
        { ...row.extra, xmin: before.xmin },
        isolation,
      )),
    transactionIds: transactionIdsOf(row, statement.kind !== 'delete'),
    mayHideVersion: row.extra.hides === true,
  }
}

function outdated({ connection, context }: Sent, statement: RowStatement): void {
  const { key } = declaredOf(connection, context, statement.table.name)
  connection.catalogue.outdated(statement.table, key)
}

interface Sending {
  readonly result: DriverResult
  /** Absent where the statement ran as it is. */
  readonly rows?: Answer['rows'] | undefined
}

/** SQLSTATE classes of errors that PostgreSQL finds before it runs anything: about what the text means, what it
 *  needs of rights and features, its limits, and the parameters that it was given. */
const BEFORE_EXECUTION = /^(?:42|0A|54|26)|^08P01$/

/** Changed beyond use, gone (DEALLOCATE, a pooler), made by somebody else. */
const PREPARED_LOST: ReadonlySet<string> = new Set(['0A000', '26000', '42P05'])

async function send(sent: Sent, rewritten: Rewritten | undefined, returnsRows: boolean): Promise<Sending> {
  const { connection, call, table, context } = sent
  connection.transaction?.observe(context, undefined)
  if (!rewritten || !table) return { result: await connection.plain(call) }
  // a prepared one fails where its table got a column: in a transaction that would be the end of it
  const isPrepared = sent.transaction === 'none' && connection.mayPrepare
  const args = call.rewritten(rewritten.text, isPrepared ? rewritten.name : undefined)
  let answer: DriverResult
  try {
    answer = (await connection.client.query(...args)) as DriverResult
  } catch (error) {
    const code = readMember(error, 'code')
    // with no transaction around it the app's own statement can be asked for the answer
    if (sent.transaction === 'none' && typeof code === 'string' && BEFORE_EXECUTION.test(code)) {
      if (isPrepared && PREPARED_LOST.has(code)) {
        connection.mayPrepare = false
        return send(sent, rewritten, returnsRows)
      }
      return { result: await connection.plain(call) }
    }
    mapPosition(error, rewritten)
    throw error
  }
  return readAnswer(answer, table, returnsRows, call.rowMode, castColumnOf(sent))
}

/** The error tells a place in the text: the user's, and how long the answer with it was. */
function mapPosition(error: unknown, rewritten: Rewritten): void {
  const told = readMember(error, 'position')
  if (typeof told !== 'string' || !(error instanceof Error)) return
  const position = String(rewritten.originalPosition(Number(told)) ?? '')
  const length = readMember(error, 'length')
  if (typeof length === 'number') Object.assign(error, { length: length - told.length + position.length })
  Object.assign(error, { position: position || undefined })
}

function noteIsolation({ connection, context }: Sent, { extra }: AnswerRow): string | undefined {
  const isolation = typeof extra.isolation === 'string' ? extra.isolation : undefined
  connection.transaction?.observe(context, isolation)
  return isolation
}

function evidence({ adapter, sentAt, sentOrder, transaction }: Sent) {
  return { adapter, sentAt, sentOrder, transaction, durationUs: elapsedUs(sentAt) }
}
