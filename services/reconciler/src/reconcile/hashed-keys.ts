import type { RecordSource } from '@syncproof/core/comparison'
import { createFingerprinter, type Fingerprinter, isHashedId } from '@syncproof/core/contract'
import { limits } from '../limits.ts'
import type { Pair } from '../pairs.ts'

/** The keys of a pair with `entityId: 'hashed'`. Outside of the two systems a record is called by the hash of its key
 *  alone: staged, compared, reported and found again by it. To be read by its key it must have been listed, or asked
 *  for by that key: in this run, or, where a finding was open on it, in an earlier one of this process. */
export class HashedKeys {
  readonly #hash: (key: string) => string
  /** Hash to key: of the first records that are seen, and of all that are wanted. */
  readonly #keys = new Map<string, string>()
  /** The same, of earlier runs. */
  readonly #kept: Map<string, string>
  readonly #wanted = new Set<string>()

  constructor(hash: (key: string) => string, kept = new Map<string, string>()) {
    this.#hash = hash
    this.#kept = kept
  }

  /** Undefined where the pair's records are called by their keys. */
  static of(pair: Pair, fingerprinter: Fingerprinter): HashedKeys | undefined {
    if (!pair.hasHashedIds) return undefined
    const kept = keptOf.get(pair) ?? new Map()
    keptOf.set(pair, kept)
    return new HashedKeys(nameBy(pair, fingerprinter), kept)
  }

  /** A record with this key was seen. @returns what it is called */
  note(key: string): string {
    const hashed = this.#hash(key)
    if (this.#keys.size < limits.hashedKeysMax || this.#wanted.has(hashed)) this.#keys.set(hashed, key)
    return hashed
  }

  /** Undefined where no such record was seen. */
  keyOf(hashed: string): string | undefined {
    return this.#keys.get(hashed) ?? this.#kept.get(hashed)
  }

  /** Their keys are kept when they are seen, however many others there are. */
  want(hashes: Iterable<string>): void {
    for (const hashed of hashes) this.#wanted.add(hashed)
  }

  /** Keeps these in memory for later runs: a record that is gone from both sides is listed by neither, and only a read
   *  by its key may end what was found of it. At most what one run watches. */
  keep(hashes: Iterable<string>): void {
    for (const hashed of hashes) {
      const key = this.keyOf(hashed)
      if (key !== undefined && this.#kept.size < limits.watchedMax) this.#kept.set(hashed, key)
    }
  }

  /** The same, and forgets what earlier runs kept of others. */
  keepOnly(hashes: ReadonlySet<string>): void {
    for (const hashed of this.#kept.keys()) if (!hashes.has(hashed)) this.#kept.delete(hashed)
    this.keep(hashes)
  }

  /** Lists the sides once more for keys that the first listing had no room for.
   *  @throws ListingError */
  async find(hashes: readonly string[], sides: readonly RecordSource[], signal: AbortSignal): Promise<void> {
    const missing = new Set(hashes.filter((hashed) => this.keyOf(hashed) === undefined))
    this.want(missing)
    for (const side of sides) {
      if (missing.size === 0) return
      for await (const batch of side.list(signal)) {
        signal.throwIfAborted()
        for (const { key } of batch.records) missing.delete(this.note(key))
        if (missing.size === 0) break
      }
    }
  }
}

const keptOf = new WeakMap<Pair, Map<string, string>>()

/** What records are called that somebody asks for: who has an id asks by it, findings name the hash. */
export function namesOf(pair: Pair, fingerprintKey: string, keys: readonly string[]): readonly string[] {
  const name = nameBy(pair, createFingerprinter(fingerprintKey))
  return [...new Set(keys.map((key) => (isHashedId(key) ? key : name(key))))].sort()
}

function nameBy({ entityType }: Pair, fingerprinter: Fingerprinter): (key: string) => string {
  return (key) => fingerprinter.entityId({ type: entityType, id: key })
}
