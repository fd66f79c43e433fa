import { randomUUID } from 'node:crypto'
import type { Outcome } from '@syncproof/core/contract'
import { elapsedUs, type Moment, now } from '../clock.ts'
import type { Context } from '../operation/context.ts'
import type { TransactionObserver } from '../operation/evidence.ts'
import type { Operation } from '../operation/operation.ts'
import { outcomeOfDatabaseError } from '../operation/outcome.ts'
import { reportTransaction } from '../operation/report-row.ts'
import type { PgClient } from './pool.ts'

export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

export interface TransactionOptions {
  /** Default: the database's, which is `read committed` where nobody changed it. */
  readonly isolation?: Isolation | undefined
}

/** The transaction was rolled back although its function resolved: a statement in it had failed. */
export class TransactionRolledBackError extends Error {
  override name = 'TransactionRolledBackError'
}

/** Writes that wait for the end of one transaction; later ones are reported at once, as of unknown outcome. */
const WAITING_MAX = 10_000

/** One database transaction.
 *
 *  open → committing → settled `ok`, `rejected` (a definite error, or the server answered ROLLBACK) or
 *  `unknown` (no answer to COMMIT); open → rolled back → settled `rejected`. Inside, a stack of savepoints as
 *  SQL has it: what was done at a level shares its fate, and a released level's that of the one below. */
export class PgTransaction {
  readonly id = randomUUID()
  readonly client: PgClient
  readonly #startedAt: Moment
  readonly #operations = new Set<Operation>()
  readonly #levels: Level[] = []
  readonly #declaredIsolation: Isolation | undefined
  #seenIsolation: string | undefined
  #waiting = 0
  #savepoints = 0

  private constructor(client: PgClient, isolation: Isolation | undefined, startedAt: Moment) {
    this.client = client
    this.#declaredIsolation = isolation
    this.#startedAt = startedAt
    this.#levels.push(new Level(this))
  }

  static async begin(client: PgClient, { isolation }: TransactionOptions): Promise<PgTransaction> {
    const startedAt = now()
    await client.query(isolation ? `BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}` : 'BEGIN')
    return new PgTransaction(client, isolation, startedAt)
  }

  /** The level that a statement sent now belongs to. */
  get level(): TransactionObserver {
    const top = this.#levels.at(-1)
    if (!top) throw new TypeError('the transaction has ended: its table can no longer be used')
    return top
  }

  /** A statement of this operation ran in it. */
  observe(context: Context, isolation: string | undefined): void {
    this.#operations.add(context.operation)
    this.#seenIsolation ??= isolation
  }

  /** @returns false where too many wait already */
  mayWait(): boolean {
    this.#waiting += 1
    return this.#waiting <= WAITING_MAX
  }

  /** @throws what COMMIT failed with, or TransactionRolledBackError */
  async commit(): Promise<void> {
    this.#ending(0)
    let command: string
    try {
      command = (await this.client.query('COMMIT')).command
    } catch (error) {
      this.#finish(outcomeOfDatabaseError(error))
      throw error
    }
    this.#finish(command === 'COMMIT' ? 'ok' : 'rejected')
    if (command !== 'COMMIT')
      throw new TransactionRolledBackError(
        'PostgreSQL rolled the transaction back: a statement in it had failed',
      )
  }

  /** Never rejects: without a COMMIT nothing was applied, whatever becomes of this statement. */
  async rollback(): Promise<void> {
    this.#ending(0)
    try {
      await this.client.query('ROLLBACK')
    } catch {
      // the connection is gone, and the transaction with it; the caller has the error that led here
    }
    this.#finish('rejected')
  }

  /** Runs something under a savepoint, which is undone where it fails. */
  async nested<T>(run: () => Promise<T>): Promise<T> {
    this.#savepoints += 1
    const name = `syncproof_${this.#savepoints}`
    const level = new Level(this)
    this.#levels.push(level)
    try {
      await this.client.query(`SAVEPOINT ${name}`)
      const value = await run()
      await this.client.query(`RELEASE SAVEPOINT ${name}`)
      this.#release(level)
      return value
    } catch (error) {
      this.#ending(this.#levels.indexOf(level))
      this.#undo(level)
      await this.client.query(`ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`).catch(() => {})
      throw error
    }
  }

  /** As in SQL, levels above go with it. */
  #release(level: Level): void {
    const index = this.#levels.indexOf(level)
    const below = this.#levels[index - 1]
    if (!below) return
    for (const released of this.#levels.splice(index)) released.mergeInto(below)
  }

  #undo(level: Level): void {
    const index = this.#levels.indexOf(level)
    if (index > 0) for (const undone of this.#levels.splice(index)) undone.settle('rejected')
  }

  /** What these levels and those above have locked is about to be given up. */
  #ending(index: number): void {
    if (index >= 0) for (const level of this.#levels.slice(index)) level.ending()
  }

  #finish(outcome: Outcome): void {
    for (const level of this.#levels.splice(0)) level.settle(outcome)
    for (const operation of this.#operations) {
      reportTransaction(operation, {
        transaction: this.id,
        startedAt: this.#startedAt,
        isolation: this.#declaredIsolation ?? this.#seenIsolation ?? 'unknown',
        outcome,
        durationUs: elapsedUs(this.#startedAt),
      })
    }
  }
}

/** What was done between two savepoints. */
class Level implements TransactionObserver {
  readonly id: string
  readonly #transaction: PgTransaction
  #waiting: ((outcome: Outcome) => void)[] = []
  readonly #endings: (() => void)[] = []
  #outcome: Outcome | undefined
  #mergedInto: Level | undefined

  constructor(transaction: PgTransaction) {
    this.id = transaction.id
    this.#transaction = transaction
  }

  onEnd(settle: (outcome: Outcome) => void): void {
    if (this.#mergedInto) this.#mergedInto.onEnd(settle)
    else if (this.#outcome) settle(this.#outcome)
    else if (this.#transaction.mayWait()) this.#waiting.push(settle)
    else settle('unknown')
  }

  onEnding(ending: () => void): void {
    if (this.#mergedInto) this.#mergedInto.onEnding(ending)
    else this.#endings.push(ending)
  }

  ending(): void {
    for (const ending of this.#endings.splice(0)) ending()
  }

  mergeInto(level: Level): void {
    this.#mergedInto = level
    level.#endings.push(...this.#endings.splice(0))
    level.#waiting.push(...this.#waiting)
    this.#waiting = []
  }

  settle(outcome: Outcome): void {
    this.#outcome = outcome
    for (const settle of this.#waiting.splice(0)) settle(outcome)
  }
}
