import type { RowLock, WriteAction } from '@syncproof/core/contract'
import { elapsedUs, type Moment, now } from '../clock.ts'
import { type Context, currentContext } from '../operation/context.ts'
import type { RowState, TransactionObserver } from '../operation/evidence.ts'
import { guarded } from '../operation/guarded.ts'
import { ANYTHING } from '../operation/knowledge.ts'
import { outcomeOfDatabaseError } from '../operation/outcome.ts'
import { reportRead, reportWrite } from '../operation/report-row.ts'
import type { TableDescription } from './describe-table.ts'
import { isIdle } from './driver-status.ts'
import { askXactAssigned } from './lock-check.ts'
import { shortXid } from './overwritten-by-self.ts'
import { overwrittenBySelf } from './own-version.ts'
import type { PgClient } from './pool.ts'
import { EXTRA, type Statement, type Values } from './sql.ts'
import type { PgTransaction } from './transaction.ts'

/** Where a statement runs. */
export interface Place {
  readonly client: PgClient
  /** The table's name, without schema. */
  readonly name: string
  readonly transaction: PgTransaction | undefined
  /** Undefined where it could not be described. */
  readonly table: TableDescription | undefined
  /** The same, where its rows give tokens and somebody observes. */
  readonly tokens: TableDescription | undefined
  /** Told when a row came from another table than the one described. */
  outdated(): void
}

/** One statement under way in an operation. */
interface Sent {
  readonly context: Context
  readonly sentAt: Moment
  readonly sentOrder: number
  readonly transaction: 'none' | TransactionObserver | undefined
}

export interface WriteInput {
  readonly action: WriteAction
  readonly data: Values
  /** Names the row among those that are written at once. */
  readonly target: string
}

/** Whether a statement run now is observed at all: outside a wrapped call it is the plain one. */
export function isObserved(): boolean {
  return currentContext() !== undefined
}

/** Runs a statement that reads one row. */
export async function runRead(
  place: Place,
  statement: Statement,
  lockMode: string | undefined,
): Promise<Values | null> {
  const sent = send(place)
  const { rows } = await place.client.query(statement.text, statement.values)
  const [row] = rows
  if (!sent) return row ?? null
  const { record, extra } = row ? split(row) : { record: null, extra: NO_EXTRA }
  const isolation = noteIsolation(place, sent, extra)
  const found = record ? stateOf(place, record, extra) : undefined
  const answered = evidence(place, sent)
  const xactAssigned = await askXactAssigned(place.client, sent.context, found)
  reportRead(sent.context, { ...answered, isolation, found, lock: lockOf(place, lockMode), xactAssigned })
  touchOthers(place, sent)
  return record
}

/** Runs a statement that writes one row. @returns the row after an update or insert, the row that a delete
 *  took, null where there was none */
export async function runWrite(
  place: Place,
  statement: Statement,
  input: WriteInput,
): Promise<Values | null> {
  const sent = send(place)
  if (!sent) return (await place.client.query(statement.text, statement.values)).rows[0] ?? null
  const answered = sent.context.operation.beginWrite(input.target)
  try {
    const { rows } = await place.client.query(statement.text, statement.values)
    const parts = rows.map(split)
    const durationUs = elapsedUs(sent.sentAt)
    const facts = await factsOf(place, sent, parts, input)
    answered()
    reportWrite(sent.context, { ...evidence(place, sent), ...input, ...facts, durationUs })
    touchOthers(place, sent)
    return facts.returned
  } catch (error) {
    answered()
    reportWrite(sent.context, {
      ...evidence(place, sent),
      ...input,
      // a transaction that was not committed applied nothing
      outcome: place.transaction ? 'rejected' : outcomeOfDatabaseError(error),
      before: undefined,
      after: undefined,
      transactionIds: [],
      mayHideVersion: false,
    })
    throw error
  }
}

/** What a view shows and changes are rows of tables that nobody named. */
function touchOthers({ table }: Place, { context }: Sent): void {
  if (!table?.isPlain) guarded(context, () => context.operation.knowledge.touchedBlindly(ANYTHING))
}

type Extra = Readonly<Record<string, unknown>>

interface Part {
  readonly record: Values
  readonly extra: Extra
}

const NO_EXTRA: Extra = {}

function send(place: Place): Sent | undefined {
  const context = currentContext()
  if (!context) return undefined
  return {
    context,
    transaction: place.transaction?.level ?? autocommit(place.client),
    sentOrder: context.operation.knowledge.clock(),
    sentAt: now(),
  }
}

/** A connection on which somebody left a transaction open commits nothing by itself. */
function autocommit(client: PgClient): 'none' | undefined {
  return isIdle(client) ? 'none' : undefined
}

async function factsOf(place: Place, sent: Sent, parts: readonly Part[], { action }: WriteInput) {
  const last = parts.at(-1)
  const extra = last?.extra ?? NO_EXTRA
  const isolation = noteIsolation(place, sent, extra)
  const state = ({ record, extra }: Part) => stateOf(place, record, extra)
  const before = action === 'delete' ? last : parts.find((part) => part.extra.part === 'before')
  const after = action === 'delete' ? undefined : parts.find((part) => part.extra.part !== 'before')
  const current = typeof extra.xact === 'string' ? BigInt(extra.xact) : undefined
  return {
    returned: (after ?? before)?.record ?? null,
    // no row: nothing was written, and nothing was refused
    outcome: last ? ('ok' as const) : ('rejected' as const),
    rowsOverLimit: last ? undefined : 0,
    isolation,
    before: action === 'create' && last ? ('none' as const) : before && state(before),
    after: after && state(after),
    overwrittenBySelf: await overwrittenBySelf(
      place.client,
      sent.transaction,
      before && { record: before.record, xmin: textOf(before.extra.xmin) },
      extra.xact,
      isolation,
      textOf(before?.extra.status) ?? null,
    ),
    transactionIds: [
      ...(typeof after?.extra.xmin === 'string' ? [after.extra.xmin] : []),
      ...(current === undefined ? [] : [shortXid(current)]),
    ],
    mayHideVersion: extra.hides === true,
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function noteIsolation(place: Place, sent: Sent, extra: Extra): string | undefined {
  const isolation = textOf(extra.isolation)
  place.transaction?.observe(sent.context, isolation)
  return isolation
}

function evidence({ name }: Place, sent: Sent) {
  return {
    table: name,
    sentAt: sent.sentAt,
    sentOrder: sent.sentOrder,
    transaction: sent.transaction,
    durationUs: elapsedUs(sent.sentAt),
  }
}

function lockOf(place: Place, mode: string | undefined): RowLock | undefined {
  return mode === undefined
    ? undefined
    : { mode: mode.toUpperCase(), in_transaction: place.transaction !== undefined }
}

function stateOf(place: Place, record: Values, extra: Extra): RowState {
  const { tokens } = place
  const { table: oid, key, xmin } = extra
  if (!tokens || typeof key !== 'string' || typeof xmin !== 'string') return { record }
  if (oid !== tokens.oid) {
    // one of the same name that replaced it, or that is in another search_path
    place.outdated()
    return { record }
  }
  return { record, xmin, row: { database: tokens.database, table: tokens.oid, key } }
}

/** Takes what the helper added off a row. */
function split(row: Record<string, unknown>): Part {
  const record: Record<string, unknown> = {}
  const extra: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(row)) {
    if (column.startsWith(EXTRA)) extra[column.slice(EXTRA.length)] = value
    else record[column] = value
  }
  return { record, extra }
}
