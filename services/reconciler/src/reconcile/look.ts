import type { Difference, ListingError } from '@syncproof/core/comparison'
import { limits } from '../limits.ts'
import {
  isListingError,
  keyOf,
  NoReadByKeyError,
  type Reading,
  readRecord,
  type Sides,
} from './read-record.ts'

/** The source read before and after the target, with the times of this process around all three. */
export interface Sandwich {
  readonly startedMs: number
  readonly endedMs: number
  readonly before: Reading
  readonly target: Reading
  readonly after: Reading
  /** Of the target from the source after it, by their values. */
  readonly difference: Difference | undefined
}

/** What one look at a record by its key gave. `final`: looking again in this run is of no use. */
export type Look =
  | { readonly sandwich: Sandwich }
  | { readonly error: ListingError | NoReadByKeyError; readonly final: boolean }

const UNKNOWN_KEY =
  'The record is known by the hash of its id alone. It can be read when a listing has shown it: declare `entityId` of the pair as the app does, and run the whole pair.'

/** Takes looks. After several records in a row that could not be read it takes a system to be down and stops
 *  asking: each of thousands of suspects would otherwise wait for every retry of the connector. */
export class Looker {
  readonly #sides: Sides
  readonly #signal: AbortSignal
  #failuresInRow = 0
  #down: ListingError | undefined

  constructor(sides: Sides, signal: AbortSignal) {
    this.#sides = sides
    this.#signal = signal
  }

  /** @throws the signal's reason where it is aborted */
  async look(key: string): Promise<Look> {
    if (this.#down) return { error: this.#down, final: true }
    const own = keyOf(this.#sides, key)
    if (own === undefined) return { error: new NoReadByKeyError(UNKNOWN_KEY), final: true }
    try {
      const startedMs = Date.now()
      const before = await this.#read('source', own)
      const target = await this.#read('target', own)
      const after = await this.#read('source', own)
      this.#failuresInRow = 0
      const difference = this.#sides.judge(after.value, target.value)
      return { sandwich: { startedMs, before, target, after, difference, endedMs: Date.now() } }
    } catch (error) {
      this.#signal.throwIfAborted()
      if (error instanceof NoReadByKeyError) return { error, final: true }
      if (!isListingError(error)) throw error
      this.#failuresInRow += 1
      if (this.#failuresInRow >= limits.failuresInRowMax) this.#down = error
      return { error, final: false }
    }
  }

  #read(side: 'source' | 'target', key: string): Promise<Reading> {
    return readRecord(this.#sides[side], this.#sides.fingerprint, key, this.#signal)
  }
}
