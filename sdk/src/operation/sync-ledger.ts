/** Different syncs that are told apart. */
const SYNCS_MAX = 10_000
/** Nobody retries with an idempotency key for longer: external systems forget it. */
const DOUBT_KEPT_MS = 24 * 60 * 60 * 1_000

interface Sync {
  attempts: number
  /** Attempts that were sent and have no answer yet. */
  open: readonly number[]
  /** An attempt ended without an answer that tells whether it was applied. */
  doubted: boolean
  lastMs: number
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
  /** The first of all, until there is another: most operations send once, and keys are long. */
  #alone: readonly [string, Sync] | undefined
  #forgottenMs = Number.NEGATIVE_INFINITY

  /** @param key equal for the attempts of one sync */
  begin(key: string): Attempt {
    const nowMs = performance.now()
    if (this.#alone) this.#syncs.set(...this.#alone)
    this.#alone = undefined
    const seen = this.#syncs.size > 0 ? this.#syncs.get(key) : undefined
    const sync: Sync = seen ?? {
      attempts: 0,
      open: [],
      doubted: nowMs - this.#forgottenMs < DOUBT_KEPT_MS,
      lastMs: nowMs,
    }
    sync.attempts += 1
    sync.lastMs = nowMs
    const number = sync.attempts
    sync.open = [...sync.open, number]
    if (!seen) this.#add(key, sync)
    return {
      number,
      answered(isUnknown) {
        sync.open = sync.open.filter((other) => other !== number)
        const isDoubted = sync.doubted || sync.open.some((other) => other < number)
        if (isUnknown) sync.doubted = true
        return isDoubted
      },
    }
  }

  #add(key: string, sync: Sync): void {
    if (this.#syncs.size === 0) this.#alone = [key, sync]
    else this.#syncs.set(key, sync)
    if (this.#syncs.size <= SYNCS_MAX) return
    for (const [oldestKey, oldest] of this.#syncs) {
      if (oldest.doubted || oldest.open.length > 0)
        this.#forgottenMs = Math.max(this.#forgottenMs, oldest.lastMs)
      this.#syncs.delete(oldestKey)
      return
    }
  }
}
