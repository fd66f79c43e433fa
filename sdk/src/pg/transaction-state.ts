import { randomUUID } from 'node:crypto'
import type { Outcome } from '@syncproof/core/contract'
import { elapsedUs, type Moment } from '../clock.ts'
import type { Context } from '../operation/context.ts'
import type { TransactionObserver } from '../operation/evidence.ts'
import type { Operation } from '../operation/operation.ts'
import { reportTransaction } from '../operation/report-row.ts'

/** Writes that wait for the end of one transaction; later ones are reported at once, as of unknown outcome. */
const WAITING_MAX = 10_000

/** What is known of one database transaction from the statements that are sent. It sends none itself.
 *
 *  open → settled `ok`, `rejected` (rolled back, a definite error, or the server answered ROLLBACK) or `unknown` (no
 *  answer to COMMIT). Inside, a stack of savepoints as SQL has it: what was done at a level shares its fate, and a
 *  released level's that of the one below. */
export class TransactionState {
  readonly id = randomUUID()
  readonly #startedAt: Moment
  readonly #operations = new Set<Operation>()
  readonly #levels: Level[] = []
  #declaredIsolation: string | undefined
  #seenIsolation: string | undefined
  #waiting = 0

  constructor(isolation: string | undefined, startedAt: Moment) {
    this.#declaredIsolation = isolation
    this.#startedAt = startedAt
    this.#levels.push(new Level(this, undefined))
  }

  get isOpen(): boolean {
    return this.#levels.length > 0
  }

  get declaredIsolation(): string | undefined {
    return this.#declaredIsolation
  }

  /** The level that a statement sent now belongs to; undefined where it has ended. */
  get level(): TransactionObserver | undefined {
    return this.#levels.at(-1)
  }

  declareIsolation(isolation: string): void {
    this.#declaredIsolation = isolation
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

  savepoint(name: string): void {
    this.#levels.push(new Level(this, name))
  }

  /** As in SQL, savepoints made since go with it. */
  release(name: string): void {
    const index = this.#indexOf(name)
    const below = this.#levels[index - 1]
    if (!below) return
    for (const released of this.#levels.splice(index)) released.mergeInto(below)
  }

  /** The savepoint itself stays, as in SQL. */
  rollbackTo(name: string): void {
    const index = this.#indexOf(name)
    if (index < 1) return
    for (const undone of this.#levels.splice(index)) undone.settle('rejected')
    this.savepoint(name)
  }

  /** The statement that gives up what was locked since the savepoint, or at all, is about to be sent. */
  ending(savepoint?: string): void {
    const index = savepoint === undefined ? 0 : this.#indexOf(savepoint)
    if (index >= 0) for (const level of this.#levels.slice(index)) level.ending()
  }

  finish(outcome: Outcome): void {
    if (!this.isOpen) return
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

  #indexOf(savepoint: string): number {
    return this.#levels.findLastIndex(({ name }) => name === savepoint)
  }
}

/** What was done between two savepoints. */
class Level implements TransactionObserver {
  readonly id: string
  readonly name: string | undefined
  readonly #transaction: TransactionState
  readonly #waiting: ((outcome: Outcome) => void)[] = []
  readonly #endings: (() => void)[] = []
  #outcome: Outcome | undefined
  #mergedInto: Level | undefined

  constructor(transaction: TransactionState, name: string | undefined) {
    this.id = transaction.id
    this.name = name
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
    level.#waiting.push(...this.#waiting.splice(0))
  }

  settle(outcome: Outcome): void {
    this.#outcome = outcome
    for (const settle of this.#waiting.splice(0)) settle(outcome)
  }
}
