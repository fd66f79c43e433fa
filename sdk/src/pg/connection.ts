import { now } from '../clock.ts'
import type { Context } from '../operation/context.ts'
import type { TransactionObserver } from '../operation/evidence.ts'
import { ANYTHING } from '../operation/knowledge.ts'
import { outcomeOfDatabaseError } from '../operation/outcome.ts'
import { reportWrite } from '../operation/report-row.ts'
import { loadedParser, loadParser } from '../sql/parser.ts'
import type { Statement, Touched, TransactionStatement, UnknownStatement } from '../sql/statement.ts'
import type { DriverResult, Field } from './answer.ts'
import type { Call } from './call.ts'
import type { Catalogue } from './catalogue.ts'
import { isIdle, type StatusClient, statusOf, watchStatus } from './driver-status.ts'
import type { PgClient } from './pool.ts'
import { runRowStatement } from './row-statement.ts'
import type { Values } from './sql.ts'
import { TransactionState } from './transaction-state.ts'

/** What was asked of the adapter. */
export interface ObserveOptions {
  /** The name of the database in events. Default: `db`. */
  readonly system?: string | undefined
  /** The tables that hold entities, by entity type. Default: those that `createSyncproof` was told; else the
   *  operation's own entity is recognised by its id, and other rows are called by their table. */
  readonly entities?:
    | Readonly<Record<string, { readonly table: string; readonly key?: string | undefined }>>
    | undefined
}

/** What an adapter of a library above the driver knows besides. */
export interface AdapterOptions extends ObserveOptions {
  /** A record of this table in the names and values that the app has. */
  readonly present?: ((table: string, record: Values) => Values) | undefined
  /** The column of this table that a column of the answer shows although it is a cast, where its text is the same. */
  readonly castColumn?: ((table: string, field: Field) => string | undefined) | undefined
  /** Whom a statement is sent for, given the context that it is sent in; undefined where that is not known. */
  readonly contextOf?: ((context: Context, text: string) => Context | undefined) | undefined
}

export interface DriverClient extends StatusClient {
  query(...args: readonly unknown[]): unknown
  once?(event: string, listener: () => void): unknown
  /** node-postgres on libpq has results of its own. */
  readonly native?: unknown
  /** It asks for values in their binary form. */
  readonly binary?: unknown
}

/** More, and something on the way takes them: a pooler that gives each transaction another server. */
const PREPARED_LOST_MAX = 3

/** One connection of the app's, and what is known of the transaction that is open on it. Statements are sent one
 *  after the other, as the driver does too, so that each is read knowing how the one before it ended. */
export class Connection {
  readonly client: DriverClient
  readonly catalogue: Catalogue
  readonly options: AdapterOptions
  transaction: TransactionState | undefined
  /** The role was changed: what it may do was not asked. */
  roleChanged = false
  #preparedLost = 0
  #committing = false
  #listens = false
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(client: DriverClient, catalogue: Catalogue, options: AdapterOptions) {
    this.client = client
    watchStatus(client)
    this.catalogue = catalogue
    this.options = options
  }

  get system(): string {
    return this.options.system ?? 'db'
  }

  /** Whether statements outside of wrapped calls must pass here too, to keep their place or to tell the end of the
   *  transaction. */
  get isBusy(): boolean {
    return this.#waiting > 0 || this.transaction !== undefined
  }

  /** What runs statements of ours. */
  get asker(): PgClient {
    return this.client as unknown as PgClient
  }

  /** `undefined`: a transaction is open that began where nobody observed. */
  get level(): 'none' | TransactionObserver | undefined {
    if (this.transaction) return this.transaction.level
    return isIdle(this.client) ? 'none' : undefined
  }

  /** What a statement of ours may be prepared as, under a name that the driver has not seen where the ones before were
   *  lost; undefined where they do not last. */
  preparedName(name: string): string | undefined {
    if (this.#preparedLost > PREPARED_LOST_MAX) return undefined
    return this.#preparedLost === 0 ? name : `${name}_${this.#preparedLost}`
  }

  /** A prepared statement of ours is gone (DEALLOCATE), or does not answer the same columns any more. */
  lostPrepared(): void {
    this.#preparedLost += 1
  }

  query(sentIn: Context | undefined, call: Call): Promise<DriverResult> {
    const { contextOf } = this.options
    const context = sentIn && contextOf ? contextOf(sentIn, call.text) : sentIn
    const run = () => this.#query(context, call)
    // nothing before it: sent at once, as the driver would
    const running = this.#waiting === 0 ? run() : this.#last.then(run)
    this.#waiting += 1
    this.#last = running.then(this.#settled, this.#settled)
    return running
  }

  readonly #settled = () => {
    this.#waiting -= 1
  }

  /** What a statement that names these may have touched. Asked before it is sent: after one that failed in a transaction
   *  nothing can be asked. */
  reach(named: Touched): Touched | Promise<Touched> {
    if (named === 'anything' || named.length === 0) return named
    const standIn = this.catalogue.standIn(this.asker, named)
    if (!(standIn instanceof Promise)) return standIn ? 'anything' : named
    return standIn.then((is) => (is ? 'anything' : named))
  }

  /** Runs the statement as it is. */
  plain(call: Call): Promise<DriverResult> {
    return this.client.query(...call.plain) as Promise<DriverResult>
  }

  async #query(context: Context | undefined, call: Call): Promise<DriverResult> {
    if (context) context.operation.inFlight += 1
    try {
      const parser = loadedParser() ?? (await loadParser())
      const statement = parser?.describe(call.text) ?? NOT_READ
      return await this.#run(context, statement, call)
    } finally {
      if (context) context.operation.inFlight -= 1
    }
  }

  #run(context: Context | undefined, statement: Statement, call: Call): Promise<DriverResult> {
    switch (statement.kind) {
      case 'select':
      case 'insert':
      case 'update':
      case 'delete':
        return context ? runRowStatement(this, context, statement, call) : this.plain(call)
      case 'session':
        if (statement.changesRole) this.roleChanged = true
        return this.plain(call)
      case 'unknown':
        return this.#unknown(context, statement, call)
      default:
        return this.#transactional(context, statement, call)
    }
  }

  async #unknown(
    context: Context | undefined,
    statement: UnknownStatement,
    call: Call,
  ): Promise<DriverResult> {
    const touches = context ? await this.reach(statement.touches) : statement.touches
    const sentAt = now()
    const sentOrder = context?.operation.knowledge.clock() ?? 0
    const { level } = this
    try {
      const result = await this.plain(call)
      if (context && statement.mayWrite)
        reportWrite(context, {
          adapter: { system: this.system, table: ANYTHING },
          sentAt,
          durationUs: 0,
          sentOrder,
          transaction: level,
          action: 'update',
          outcome: level === undefined ? 'unknown' : 'ok',
          data: {},
          before: undefined,
          after: undefined,
          transactionIds: [],
          mayHideVersion: false,
          target: `${ANYTHING}${sentOrder}`,
          rowsOverLimit: Math.max(Number(result.rowCount ?? 1), 1),
        })
      return result
    } finally {
      if (context) touchBlindly(context, touches)
      this.#lookAtStatus(statement)
    }
  }

  /** A text of many statements, or a program, may have ended the transaction. */
  #lookAtStatus({ mayEndTransaction }: UnknownStatement): void {
    if (!mayEndTransaction || !this.transaction) return
    if (statusOf(this.client) === 'I') this.#finish('unknown')
  }

  async #transactional(
    context: Context | undefined,
    statement: TransactionStatement,
    call: Call,
  ): Promise<DriverResult> {
    switch (statement.kind) {
      case 'begin':
        return this.#begin(context, statement.isolation, call)
      case 'commit':
      case 'rollback':
        return this.#end(statement.kind, statement.chain, call)
      default:
        if (statement.kind === 'rollback_to') this.transaction?.ending(statement.name)
        return this.#within(statement, await this.plain(call))
    }
  }

  #within(
    statement: Exclude<TransactionStatement, { kind: 'begin' | 'commit' | 'rollback' }>,
    result: DriverResult,
  ): DriverResult {
    const { transaction } = this
    if (statement.kind === 'savepoint') transaction?.savepoint(statement.name)
    if (statement.kind === 'release') transaction?.release(statement.name)
    if (statement.kind === 'rollback_to') transaction?.rollbackTo(statement.name)
    if (statement.kind === 'set_isolation') transaction?.declareIsolation(statement.isolation)
    return result
  }

  async #begin(
    context: Context | undefined,
    isolation: string | undefined,
    call: Call,
  ): Promise<DriverResult> {
    const opens = context !== undefined && this.level === 'none'
    // a question that the database refuses would abort the transaction
    if (opens) await this.catalogue.identify(this.asker)
    const startedAt = now()
    const result = await this.plain(call)
    if (opens) {
      this.transaction = new TransactionState(isolation, startedAt)
      this.#listen()
    }
    return result
  }

  async #end(kind: 'commit' | 'rollback', chain: boolean, call: Call): Promise<DriverResult> {
    const { transaction } = this
    if (!transaction) return this.plain(call)
    transaction.ending()
    this.#committing = true
    const startedAt = now()
    try {
      const result = await this.plain(call)
      // the server answers ROLLBACK to the COMMIT of a transaction in which a statement had failed
      this.#finish(kind === 'commit' && result.command === 'COMMIT' ? 'ok' : 'rejected')
      if (chain) this.transaction = new TransactionState(transaction.declaredIsolation, startedAt)
      return result
    } catch (error) {
      this.#finish(kind === 'commit' ? outcomeOfDatabaseError(error) : 'rejected')
      throw error
    } finally {
      this.#committing = false
    }
  }

  /** Without a COMMIT nothing was applied, whatever became of the connection. */
  #listen(): void {
    if (this.#listens) return
    this.#listens = true
    this.client.once?.('end', () => {
      if (!this.#committing) this.#finish('rejected')
    })
  }

  #finish(outcome: 'ok' | 'rejected' | 'unknown'): void {
    this.transaction?.finish(outcome)
    this.transaction = undefined
  }
}

/** libpg-query is not installed. */
const NOT_READ: UnknownStatement = {
  kind: 'unknown',
  why: 'no parser',
  touches: 'anything',
  mayWrite: true,
  mayEndTransaction: true,
}

export function touchBlindly({ operation }: Context, touched: Touched): void {
  const { knowledge } = operation
  if (touched === 'anything') knowledge.touchedBlindly(ANYTHING)
  else for (const table of touched) knowledge.touchedBlindly(table)
}
