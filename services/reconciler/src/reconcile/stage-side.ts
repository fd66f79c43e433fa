import { type FingerprintedRecord, ListingError, type RecordSource } from '@syncproof/core/comparison'
import type { Checkpoint, ClaimedSegment, Segment, Side, StagedSide } from '@syncproof/store'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'
import { GivenBackError } from './keep-alive.ts'
import type { Sides } from './read-record.ts'

/** Stages the sides of a segment that do not list in the order in which records are compared. Each batch is stored with
 *  the position behind it, so that who takes over lists nothing twice. */
export class Stager {
  readonly #context: Context
  readonly #claimed: ClaimedSegment
  readonly #sides: Sides
  #checkpoint: Checkpoint
  /** Records that were listed, for who waits. */
  readonly listed: Record<Side, number> = { source: 0, target: 0 }

  constructor(context: Context, claimed: ClaimedSegment & { readonly segment: Segment }, sides: Sides) {
    this.#context = context
    this.#claimed = claimed
    this.#sides = sides
    this.#checkpoint = claimed.segment.checkpoint ?? { rules: sides.rulesId, sides: {} }
  }

  /** @returns the side's records in byte order of their keys
   *  @throws ListingError where the listing cannot be trusted to be whole */
  async inOrder(side: Side, signal: AbortSignal): Promise<AsyncIterable<readonly FingerprintedRecord[]>> {
    const { segments } = this.#context.store
    const done = await this.#resumed(side)
    this.listed[side] = done.records
    if (!done.isWhole) await this.#stage(side, done, signal)
    let keys = await segments.stagedKeys(this.#claimed, side)
    if (done.records > 0 && this.#isTwice(side, keys)) {
      // a listing that is gone on with does not know what it has shown before, and could not refuse two states of one key
      await this.#list(side, await this.#anew(side), signal)
      keys = await segments.stagedKeys(this.#claimed, side)
    }
    if (this.#sides[side].ordered && this.#isTwice(side, keys)) {
      throw new ListingError('duplicate_key', `The ${side} lists one key twice. Name a key that is unique.`)
    }
    return segments.staged(this.#claimed, side, limits.stageBatch)
  }

  /** Whether a key was listed more than once. */
  #isTwice(side: Side, keys: number | undefined): boolean {
    return keys !== undefined && keys < this.listed[side]
  }

  /** What an earlier worker has staged, where it can be gone on with: made by the same rules, all of it still there, and
   *  whole or with a position. Otherwise nothing, and the stage is empty. */
  async #resumed(side: Side): Promise<StagedSide> {
    const { segments } = this.#context.store
    const { rules, sides } = this.#checkpoint
    const staged = sides[side]
    const canGoOn = rules === this.#sides.rulesId && (staged?.isWhole || staged?.position !== undefined)
    if (staged && canGoOn && (await segments.stagedKeys(this.#claimed, side)) !== undefined) return staged
    return this.#anew(side)
  }

  async #anew(side: Side): Promise<StagedSide> {
    if (!(await this.#context.store.segments.unstage(this.#claimed, side))) throw taken()
    const { rules, sides } = this.#checkpoint
    const kept = rules === this.#sides.rulesId ? sides : {}
    this.#checkpoint = {
      rules: this.#sides.rulesId,
      sides: Object.fromEntries(Object.entries(kept).filter(([name]) => name !== side)),
    }
    return { records: 0, isWhole: false }
  }

  async #stage(side: Side, from: StagedSide, signal: AbortSignal): Promise<void> {
    try {
      await this.#list(side, from, signal)
    } catch (error) {
      const isExpired = error instanceof ListingError && error.code === 'cursor_expired'
      if (!isExpired || from.position === undefined) throw error
      // the system has forgotten where the last worker was
      await this.#list(side, await this.#anew(side), signal)
    }
  }

  async #list(side: Side, from: StagedSide, signal: AbortSignal): Promise<void> {
    const source: RecordSource = this.#sides[side]
    let records = from.records
    this.listed[side] = records
    for await (const batch of source.list(signal, { after: from.position })) {
      signal.throwIfAborted()
      records += batch.records.length
      this.listed[side] = records
      await this.#store(side, batch.records.map(this.#sides.fingerprint), {
        position: batch.position,
        records,
        isWhole: false,
      })
    }
    await this.#store(side, [], { records, isWhole: true })
  }

  async #store(side: Side, records: readonly FingerprintedRecord[], staged: StagedSide): Promise<void> {
    const { rules, sides } = this.#checkpoint
    this.#checkpoint = { rules, sides: { ...sides, [side]: staged } }
    if (await this.#context.store.segments.stage(this.#claimed, side, records, this.#checkpoint)) return
    throw taken()
  }
}

function taken(): GivenBackError {
  return new GivenBackError('another worker has the segment')
}
