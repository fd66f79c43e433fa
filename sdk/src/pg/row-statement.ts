import { now } from '../clock.ts'
import type { Context } from '../operation/context.ts'
import { readMember } from '../operation/outcome.ts'
import { reportRead } from '../operation/report-row.ts'
import type { Touched } from '../sql/statement.ts'
import { columnOf, type DriverResult } from './answer.ts'
import type { Call } from './call.ts'
import { type Connection, touchBlindly } from './connection.ts'
import type { TableDescription } from './describe-table.ts'
import { askXactAssigned } from './lock-check.ts'
import { pinOf, ROWS_PER_STATEMENT_MAX } from './pin.ts'
import { type Rewritten, type RowStatement, rewrite } from './rewrite.ts'
import { stateOf } from './row-evidence.ts'
import { runWrite } from './row-write.ts'
import { send } from './send.ts'
import { castColumnOf, declaredOf, evidence, noteIsolation, outdated, type Sent } from './sent.ts'
import type { Values } from './sql.ts'

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
  const described = connection.catalogue.describe(
    connection.asker,
    statement.table,
    declared.key,
    connection.level !== 'none',
  )
  // what is known already is not waited for: each turn of the event loop is the app's
  const table = described instanceof Promise ? await described : described
  const pin =
    statement.kind === 'insert' || !table ? undefined : pinOf(statement.equalities, table.key, call.values)
  const besides = othersThan(statement.table.name, statement.alsoTouches)
  const reached = besides.length === 0 ? besides : await connection.reach(besides)
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
    blindly: table?.isPlain ? [statement.table.name] : 'anything',
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
    if (reached.length > 0) touchBlindly(context, reached)
  }
}

function othersThan(table: string, touched: Touched): Touched {
  return touched === 'anything' || touched.length === 0 ? touched : touched.filter((name) => name !== table)
}

interface Rewritings {
  readonly table: TableDescription
  /** By whether it is a transaction of its own. */
  readonly made: Map<boolean, Rewritten | undefined>
}

const rewritings = new WeakMap<RowStatement, Rewritings>()

/** Remembered by the statement, which is remembered by its text. */
function rewritingOf(
  { connection, call, pin, transaction }: Sent,
  statement: RowStatement,
  table: TableDescription,
): Rewritten | undefined {
  if (!table.givesTokens || !table.mayBeRewritten) return undefined
  const { client } = connection
  if (connection.roleChanged || client.native) return undefined
  // node-postgres cannot read binary values in array mode
  if (client.binary === true || call.isBinary) return undefined
  const few =
    statement.kind === 'insert' ? (statement.rows?.length ?? Infinity) <= ROWS_PER_STATEMENT_MAX : pin
  if (!few) return undefined
  let known = rewritings.get(statement)
  if (known?.table !== table) {
    known = { table, made: new Map() }
    rewritings.set(statement, known)
  }
  const isAlone = transaction === 'none'
  if (!known.made.has(isAlone)) known.made.set(isAlone, rewrite(call.text, statement, table, isAlone))
  return known.made.get(isAlone)
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
  if (answer.rows === undefined) touchBlindly(context, sent.blindly)
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
    const found = stateOf(table, row.own ?? {}, { oid, key, xmin })
    if (!found.row) outdated(sent, statement)
    const isolation = noteIsolation(sent, row)
    const xactAssigned = await askXactAssigned(connection.asker, context, found)
    reportRead(context, { ...answered, isolation, found, lock, xactAssigned })
  }
  return answer.result
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
