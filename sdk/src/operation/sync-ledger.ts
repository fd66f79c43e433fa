import { now } from '../clock.ts'

/** Different syncs that are told apart. */
const SYNCS_MAX = 10_000
/** Nobody retries with an idempotency key for longer: external systems forget it. */
const DOUBT_KEPT_US = 24 * 60 * 60 * 1_000_000

interface Sync {
  attempts: number
  /** Attempts that were sent and have no answer yet. */
  readonly open: Set<number>
  /** An attempt ended without an answer that tells whether it was applied. */
  doubted: boolean
  lastUs: number
}

/** One attempt of a sync. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number
  /** It ended. @returns whether one that was sent before may have been applied, or still may be: then an
   *  answer such as "no such record" or "exists already" does not say what became of the sync */
  answered(isUnknown: boolean): boolean
}

/** Counts the attempts of each sync, and keeps in mind those whose fate is open. Bounded: where doubt had to
 *  be forgotten, every sync that was not seen before is doubted. */
export class SyncLedger {
  readonly #syncs = new Map<string, Sync>()
  #forgottenUs = Number.NEGATIVE_INFINITY

  /** @param key equal for the attempts of one sync */
  begin(key: string): Attempt {
    const nowUs = now().monotonicUs
    const seen = this.#syncs.get(key)
    const sync = seen ?? {
      attempts: 0,
      open: new Set<number>(),
      doubted: nowUs - this.#forgottenUs < DOUBT_KEPT_US,
      lastUs: nowUs,
    }
    sync.attempts += 1
    sync.lastUs = nowUs
    const number = sync.attempts
    sync.open.add(number)
    if (!seen) this.#add(key, sync)
    return {
      number,
      answered(isUnknown) {
        sync.open.delete(number)
        const isDoubted = sync.doubted || [...sync.open].some((other) => other < number)
        if (isUnknown) sync.doubted = true
        return isDoubted
      },
    }
  }

  #add(key: string, sync: Sync): void {
    this.#syncs.set(key, sync)
    if (this.#syncs.size <= SYNCS_MAX) return
    for (const [oldestKey, oldest] of this.#syncs) {
      if (oldest.doubted || oldest.open.size > 0)
        this.#forgottenUs = Math.max(this.#forgottenUs, oldest.lastUs)
      this.#syncs.delete(oldestKey)
      return
    }
  }
}
