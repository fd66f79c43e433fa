import { now } from '../clock.ts'
import type { Context } from '../operation/context.ts'
import type { TransactionObserver } from '../operation/evidence.ts'
import { outcomeOfDatabaseError } from '../operation/outcome.ts'
import type { PgClient } from './pool.ts'
import { TransactionState } from './transaction-state.ts'

export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

export interface TransactionOptions {
  /** Default: the database's, which is `read committed` where nobody changed it. */
  readonly isolation?: Isolation | undefined
}

/** The transaction was rolled back although its function resolved: a statement in it had failed. */
export class TransactionRolledBackError extends Error {
  override name = 'TransactionRolledBackError'
}

/** A transaction that `postgresTable` runs: it sends the statements, and tells the state what became of them. */
export class PgTransaction {
  readonly client: PgClient
  readonly #state: TransactionState
  #savepoints = 0

  private constructor(client: PgClient, state: TransactionState) {
    this.client = client
    this.#state = state
  }

  static async begin(client: PgClient, { isolation }: TransactionOptions): Promise<PgTransaction> {
    const startedAt = now()
    await client.query(isolation ? `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}` : 'BEGIN')
    return new PgTransaction(client, new TransactionState(isolation, startedAt))
  }

  /** The level that a statement sent now belongs to. */
  get level(): TransactionObserver {
    const { level } = this.#state
    if (!level) throw new TypeError('the transaction has ended: its table can no longer be used')
    return level
  }

  /** A statement of this operation ran in it. */
  observe(context: Context, isolation: string | undefined): void {
    this.#state.observe(context, isolation)
  }

  /** @throws what COMMIT failed with, or TransactionRolledBackError */
  async commit(): Promise<void> {
    this.#state.ending()
    let command: string
    try {
      command = (await this.client.query('COMMIT')).command
    } catch (error) {
      this.#state.finish(outcomeOfDatabaseError(error))
      throw error
    }
    this.#state.finish(command === 'COMMIT' ? 'ok' : 'rejected')
    if (command !== 'COMMIT')
      throw new TransactionRolledBackError(
        'PostgreSQL rolled the transaction back: a statement in it had failed',
      )
  }

  /** Never rejects: without a COMMIT nothing was applied, whatever becomes of this statement. */
  async rollback(): Promise<void> {
    this.#state.ending()
    try {
      await this.client.query('ROLLBACK')
    } catch {
      // the connection is gone, and the transaction with it; the caller has the error that led here
    }
    this.#state.finish('rejected')
  }

  /** Runs something under a savepoint, which is undone where it fails. */
  async nested<T>(run: () => Promise<T>): Promise<T> {
    this.#savepoints += 1
    const name = `syncproof_${this.#savepoints}`
    this.#state.savepoint(name)
    try {
      await this.client.query(`SAVEPOINT ${name}`)
      const value = await run()
      await this.client.query(`RELEASE SAVEPOINT ${name}`)
      this.#state.release(name)
      return value
    } catch (error) {
      this.#state.ending(name)
      this.#state.rollbackTo(name)
      this.#state.release(name)
      await this.client.query(`ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`).catch(() => {})
      throw error
    }
  }
}
