import { setTimeout as pause } from 'node:timers/promises'
import type { CallPlan, Guard } from '../plan/call.ts'
import type { Row, Values } from '../world/row.ts'
import { changeOf, payloadOf } from './changes.ts'
import { exclusiveSection } from './exclusive-section.ts'
import type { Actor, RecordedRows } from './recorded-rows.ts'
import type { Rows, SqlRows, TransactionRows } from './rows.ts'
import { type Message, send } from './send.ts'
import type { ProgramWorld } from './world.ts'

/** A transaction that its program gives up. */
export class GivenUp extends Error {
  override name = 'GivenUp'
}

const TRIES_MAX = 6

/** Reads the row and changes it under the plan's guard. @returns what is to be sent of it; undefined where there is
 *  no row, or no change */
export async function guardedChange(
  world: ProgramWorld,
  plan: CallPlan,
  actor: Actor,
): Promise<Message | undefined> {
  const change = new GuardedChange(world, plan, actor)
  if (!plan.section || plan.guard === 'advisory') return change.run()
  return exclusiveSection(world, plan, actor, 'row_lock', (times) => change.run(times.entered, times.left))
}

type Step = () => void
type Entering = (found: boolean) => void
const nothing: Step = () => undefined

class GuardedChange {
  readonly #world: ProgramWorld
  readonly #plan: CallPlan
  readonly #actor: Actor

  constructor(world: ProgramWorld, plan: CallPlan, actor: Actor) {
    this.#world = world
    this.#plan = plan
    this.#actor = actor
  }

  /** @param locked called after the guard's read, with whether it found a row to lock
   *  @param leaving called before the transaction, or the change, ends */
  async run(locked: Entering = nothing, leaving: Step = nothing): Promise<Message | undefined> {
    const { row } = this.#plan
    switch (this.#plan.guard) {
      case 'naive':
      case 'for_update_autocommit': {
        const rows = this.#world.rows(this.#plan, this.#actor)
        const lock = this.#plan.guard === 'naive' ? undefined : ('for update' as const)
        const existing = await rows.read(row, lock)
        locked(existing !== null)
        const message = await this.#write(rows, existing)
        leaving()
        return message
      }
      case 'compare_and_set':
        return this.#compareAndSet()
      case 'repeatable_read':
      case 'serializable':
        return this.#retried(this.#plan.guard === 'serializable' ? 'serializable' : 'repeatable read')
      default:
        return this.#inTransaction(this.#plan.guard, locked, leaving)
    }
  }

  #inTransaction(guard: Guard, locked: Entering, leaving: Step): Promise<Message | undefined> {
    return this.#world.transaction(this.#plan, this.#actor, 'read committed', async (rows) => {
      if (guard === 'advisory') await (rows as unknown as RecordedRows<SqlRows>).lockKey(this.#plan.row)
      const work = async (entered: Entering, left: Step) => {
        const { existing, found } = await this.#lock(guard, rows)
        // a key is locked whether or not there is a row
        entered(found || guard === 'advisory')
        const message = await this.#write(rows, existing)
        if (message && this.#plan.sync === 'in_transaction')
          await send(this.#world, this.#plan, this.#actor, message)
        left()
        return message
      }
      const isDeclared = guard === 'advisory' && this.#plan.section
      const message = isDeclared
        ? await exclusiveSection(this.#world, this.#plan, this.#actor, 'advisory_lock', (times) =>
            work(times.entered, times.left),
          )
        : await work(locked, leaving)
      if (this.#plan.rollsBack) throw new GivenUp()
      if (this.#plan.cutsCommit) (rows as unknown as RecordedRows<SqlRows>).cutCommit(this.#plan.cutsCommit)
      return message
    })
  }

  /** @returns what the change starts from, and whether the lock found the row */
  async #lock(
    guard: Guard,
    rows: RecordedRows<TransactionRows>,
  ): Promise<{ readonly existing: Row | null; readonly found: boolean }> {
    const { row, otherRow } = this.#plan
    const foundBy = (existing: Row | null) => ({ existing, found: existing !== null })
    switch (guard) {
      case 'for_update':
        return foundBy(await rows.read(row, 'for update'))
      case 'for_key_share':
        return foundBy(await rows.read(row, 'for key share'))
      case 'wrong_row':
        await rows.read(otherRow, 'for update')
        return foundBy(await rows.read(row))
      case 'read_before_lock': {
        const existing = await rows.read(row)
        await this.#pause()
        const locked = await rows.read(row, 'for update')
        return { existing, found: locked !== null }
      }
      case 'savepoint_released': {
        let existing: Row | null = null
        const given = rows.savepoint(async () => {
          existing = await rows.read(row, 'for update')
          throw new GivenUp()
        })
        await given.catch(onlyGivenUp)
        return foundBy(existing)
      }
      default:
        return foundBy(await rows.read(row))
    }
  }

  async #write(rows: RecordedRows<Rows>, existing: Row | null): Promise<Message | undefined> {
    if (!existing) return undefined
    this.#world.mayCrash(this.#plan, 'after_read')
    await this.#pause()
    const { row } = this.#plan
    const set = changeOf(this.#plan, existing)
    const count =
      this.#plan.change === 'increment'
        ? await (rows as unknown as RecordedRows<SqlRows>).increment(row)
        : await rows.update(row, set)
    this.#world.mayCrash(this.#plan, 'after_write')
    return count === 0 ? undefined : this.#message(existing, set)
  }

  async #compareAndSet(): Promise<Message | undefined> {
    const rows = this.#world.rows(this.#plan, this.#actor)
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const existing = await rows.read(this.#plan.row)
      if (!existing) return undefined
      await this.#pause()
      const set = changeOf({ ...this.#plan, change: atomic(this.#plan.change) }, existing)
      const where = { updated_by: existing.updated_by }
      if ((await rows.update(this.#plan.row, set, where)) > 0) return this.#message(existing, set)
    }
    return undefined
  }

  async #retried(isolation: 'repeatable read' | 'serializable'): Promise<Message | undefined> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      try {
        return await this.#world.transaction(this.#plan, this.#actor, isolation, async (rows) =>
          this.#write(rows, await rows.read(this.#plan.row)),
        )
      } catch (error) {
        if ((error as { code?: string }).code !== '40001') throw error
      }
    }
    return undefined
  }

  #message(existing: Row, set: Values): Message {
    return { record: this.#plan.row, fields: payloadOf(existing, set) }
  }

  async #pause(): Promise<void> {
    if (this.#plan.pauseMs > 0) await pause(this.#plan.pauseMs)
  }
}

/** An increment says nothing of its own in a compare-and-set. */
function atomic(change: CallPlan['change']): CallPlan['change'] {
  return change === 'increment' ? 'counter' : change
}

export function onlyGivenUp(error: unknown): void {
  if (!(error instanceof GivenUp)) throw error
}
