import type { RecordSource } from '@syncproof/core/comparison'
import { limits } from '../limits.ts'

/** The keys of a pair with `entityId: 'hashed'`. Outside of the two systems a record is called by the hash of its key
 *  alone: staged, compared, reported and found again by it. To be read by its key it must first have been listed, or
 *  asked for by that key, in this run. */
export class HashedKeys {
  readonly #hash: (key: string) => string
  /** Hash to key: of the first records that are seen, and of all that are wanted. */
  readonly #keys = new Map<string, string>()
  readonly #wanted = new Set<string>()

  constructor(hash: (key: string) => string) {
    this.#hash = hash
  }

  /** A record with this key was seen. @returns what it is called */
  note(key: string): string {
    const hashed = this.#hash(key)
    if (this.#keys.size < limits.hashedKeysMax || this.#wanted.has(hashed)) this.#keys.set(hashed, key)
    return hashed
  }

  /** Undefined where no such record was seen. */
  keyOf(hashed: string): string | undefined {
    return this.#keys.get(hashed)
  }

  /** Their keys are kept when they are seen, however many others there are. */
  want(hashes: Iterable<string>): void {
    for (const hashed of hashes) this.#wanted.add(hashed)
  }

  /** Lists the sides once more for keys that the first listing had no room for.
   *  @throws ListingError */
  async find(hashes: readonly string[], sides: readonly RecordSource[], signal: AbortSignal): Promise<void> {
    const missing = new Set(hashes.filter((hashed) => !this.#keys.has(hashed)))
    this.want(missing)
    for (const side of sides) {
      if (missing.size === 0) return
      for await (const batch of side.list(signal)) {
        signal.throwIfAborted()
        for (const { key } of batch) missing.delete(this.note(key))
        if (missing.size === 0) break
      }
    }
  }
}
