import {
  type EntityRef,
  entityKey,
  type Outcome,
  type Protection,
  type WriteEvent,
} from '@syncproof/core/contract'
import { type Moment, now } from '../clock.ts'
import type { SectionScope } from '../operation/context.ts'
import type { ReadEvidence, TransactionObserver } from '../operation/evidence.ts'
import { guarded } from '../operation/guarded.ts'
import type { Lesson } from '../operation/knowledge.ts'
import type { Operation } from '../operation/operation.ts'

export interface SectionInput {
  readonly name: string
  readonly entity: EntityRef
  readonly protection: Protection
  readonly transaction: string | undefined
}

/** A moment since which the section is held, as far as it was seen. */
interface Hold {
  readonly at: Moment
  /** `Knowledge.clock()` then: what was sent later was sent inside. */
  readonly order: number
  readonly transaction: 'none' | TransactionObserver | undefined
  readonly locked?: boolean | undefined
}

/** One run of a declared section.
 *
 *  `row_lock`: waiting → held, by the first read that locks a row → left, before the transaction of that read is
 *  ended, or else when the function has ended. Where no read locks, the first one of the entity that was
 *  answered without a lock stands for it. The other protections are held from the start.
 *
 *  Both instants are inner ones: the lock was held at least from the one to the other. Two sections whose lock
 *  works therefore never overlap. Told when it is left, because only then is it known that no lock came. */
export class Section implements SectionScope {
  readonly #operation: Operation
  readonly #input: SectionInput
  readonly #key: string
  #held: Hold | undefined
  /** Reads of the entity without a lock, by what was asked of their backend. */
  #unlocked: Hold | undefined
  #otherwiseLocked = false
  #writes = 0
  #left = false
  #ended = false

  constructor(operation: Operation, input: SectionInput) {
    this.#operation = operation
    this.#input = input
    this.#key = entityKey(input.entity)
    if (input.protection !== 'row_lock') this.#held = this.#hold(undefined, undefined)
  }

  get asksForLock(): boolean {
    return this.#input.protection === 'row_lock' && this.#held?.locked !== true && !this.#left
  }

  sawRead(entity: EntityRef, evidence: ReadEvidence): void {
    if (this.#left) return
    const { transaction, xactAssigned, lock } = evidence
    if (this.#input.protection !== 'row_lock') this.#isHeldIn(transaction)
    else if (lock) this.#sawLock(this.#hold(transaction, evidence.found && xactAssigned))
    else if (xactAssigned) this.#otherwiseLocked = true
    else if (xactAssigned === false && entityKey(entity) === this.#key)
      this.#unlocked ??= this.#hold(transaction, false)
  }

  sawWrite(entity: EntityRef, outcome: Outcome): void {
    if (outcome === 'ok' && entityKey(entity) === this.#key) this.#writes += 1
  }

  describe(entity: EntityRef, base: Lesson | undefined): WriteEvent['section'] {
    if (this.#ended || entityKey(entity) !== this.#key) return undefined
    return { name: this.#input.name, base_read_inside: this.#isInside(base) }
  }

  /** The function has ended. */
  end(): void {
    this.leave()
    this.#ended = true
  }

  /** The lock is about to be released, or was not held any longer than until now. */
  leave(): void {
    if (this.#left) return
    this.#left = true
    const leftAt = now()
    const held = this.#held ?? (this.#isSurelyUnlocked() ? this.#unlocked : undefined)
    if (!held) return
    const { name, entity, protection } = this.#input
    const facts = {
      name,
      entity,
      protection,
      transaction: this.#input.transaction ?? idOf(held.transaction),
      locked: held.locked,
    }
    this.#operation.produce('section_entered', held.at, facts)
    this.#operation.produce('section_left', leftAt, facts)
  }

  #hold(transaction: Hold['transaction'], locked: boolean | undefined): Hold {
    return { at: now(), order: this.#operation.knowledge.clock(), transaction, locked }
  }

  #sawLock(hold: Hold): void {
    // one that locked no row, or nothing at all, gives way to one that does
    if (this.#held && sureness(hold) <= sureness(this.#held)) return
    this.#held = hold
    this.#leaveBeforeEndOf(hold.transaction)
  }

  #isHeldIn(transaction: Hold['transaction']): void {
    if (!this.#held || typeof transaction !== 'object' || this.#held.transaction) return
    this.#held = { ...this.#held, transaction }
    this.#leaveBeforeEndOf(transaction)
  }

  /** Whatever else holds it, a lock of this transaction is gone when it ends. */
  #leaveBeforeEndOf(transaction: Hold['transaction']): void {
    if (typeof transaction !== 'object') return
    transaction.onEnding?.(() => guarded({ operation: this.#operation }, () => this.leave()))
  }

  /** A read without a lock proves that the declared one is not there where nothing else can have taken it: in a
   *  transaction no other statement did, and in autocommit the only write would have waited for a lock that is
   *  held on another connection. */
  #isSurelyUnlocked(): boolean {
    if (this.#otherwiseLocked || this.#writes > 1) return false
    return typeof this.#unlocked?.transaction === 'object' || this.#writes === 1
  }

  #isInside(base: Lesson | undefined): boolean {
    if (!base?.sections?.includes(this)) return false
    return !this.#held || base.lock !== undefined || base.sentOrder >= this.#held.order
  }
}

function sureness({ locked }: Hold): number {
  return locked === undefined ? 0 : locked ? 2 : 1
}

function idOf(transaction: Hold['transaction']): string | undefined {
  return typeof transaction === 'object' ? transaction.id : transaction
}
