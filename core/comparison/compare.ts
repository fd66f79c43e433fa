import { compareFingerprints, UNREADABLE } from '../contract/index.ts'
import type { FingerprintedRecord } from './fingerprint-records.ts'
import { compareKeys } from './key-order.ts'
import { ListingError } from './listing-error.ts'

export type SuspectKind = 'missing-in-target' | 'unexpected-in-target' | 'field-mismatch'

/** How two states of one record differ. Not a finding: `recheck` decides. */
export interface Difference {
  readonly key: string
  readonly kind: SuspectKind
  /** Fields that differ, sorted. Empty where only `incomparable` ones stand between the sides and agreement. */
  readonly fields: readonly string[]
  /** Fields whose fingerprints were made with another key or rule, or that could not be read, sorted. */
  readonly incomparable: readonly string[]
}

/** A record on which two listings do not agree, or could not be compared, with what they showed. */
export interface Suspect<T extends Keyed> extends Difference {
  readonly source: T | undefined
  readonly target: T | undefined
}

export interface Keyed {
  readonly key: string
  readonly deleted?: true | undefined
}

/** What two states of one record say; undefined where they agree, also where it is on neither side. */
export type Judge<T extends Keyed> = (source: T | undefined, target: T | undefined) => Difference | undefined

export interface ComparisonCounts {
  readonly source: number
  readonly target: number
  readonly agreed: number
  readonly suspects: number
}

export interface Comparison<T extends Keyed> {
  /** Ascending by key. Read it to its end, once. */
  readonly suspects: AsyncIterable<readonly Suspect<T>[]>
  /** What has been read so far. */
  counts(): ComparisonCounts
}

type Batches<T> = AsyncIterable<readonly T[]>

/** Merges two listings that ascend by the UTF-8 bytes of their keys; holds two batches a side in memory.
 *  `suspects` throws ListingError (`keys_not_ordered`, `duplicate_key`) where a side breaks its order: one key
 *  out of place would make every record between a false difference. */
export function compareRecords<T extends Keyed>(
  source: Batches<T>,
  target: Batches<T>,
  judge: Judge<T>,
): Comparison<T> {
  const left = new Side('source', source)
  const right = new Side('target', target)
  let agreed = 0
  let suspects = 0

  async function* merge(): AsyncGenerator<readonly Suspect<T>[]> {
    try {
      for (;;) {
        await Promise.all([left.fill(), right.fill()])
        if (left.current === undefined && right.current === undefined) return
        const found: Suspect<T>[] = []
        agreed += mergeBatch(left, right, found, judge)
        suspects += found.length
        if (found.length > 0) yield found
      }
    } finally {
      await Promise.allSettled([left.close(), right.close()])
    }
  }
  return {
    suspects: merge(),
    counts: () => ({ source: left.read, target: right.read, agreed, suspects }),
  }
}

/** Merges until a batch of either side is used up. @returns how many records agreed */
function mergeBatch<T extends Keyed>(
  left: Side<T>,
  right: Side<T>,
  found: Suspect<T>[],
  judge: Judge<T>,
): number {
  let agreed = 0
  for (;;) {
    const source = left.current
    const target = right.current
    if (source === undefined && target === undefined) return agreed
    // a side whose batch is used up may hold the very next key: only a side that has ended lets the other run on
    if ((source === undefined && !left.ended) || (target === undefined && !right.ended)) return agreed
    const order = source === undefined ? 1 : target === undefined ? -1 : compareKeys(source.key, target.key)
    const one = order <= 0 ? source : undefined
    const other = order >= 0 ? target : undefined
    const difference = judge(one, other)
    if (difference) found.push({ ...difference, source: one, target: other })
    else agreed += 1
    if (order <= 0) left.advance()
    if (order >= 0) right.advance()
  }
}

/** Which fields of two states differ, and which cannot be compared. */
type HoldFields<T> = (
  source: T,
  target: T,
) => {
  readonly fields: readonly string[]
  readonly incomparable: readonly string[]
}

/** A record that its system calls deleted is not there. */
export function judgeBy<T extends Keyed>(hold: HoldFields<T>): Judge<T> {
  return (sourceState, targetState) => {
    const source = sourceState?.deleted ? undefined : sourceState
    const target = targetState?.deleted ? undefined : targetState
    if (source === undefined) {
      return target && { key: target.key, kind: 'unexpected-in-target', fields: [], incomparable: [] }
    }
    if (target === undefined) {
      return { key: source.key, kind: 'missing-in-target', fields: [], incomparable: [] }
    }
    const { fields, incomparable } = hold(source, target)
    if (fields.length === 0 && incomparable.length === 0) return undefined
    const sorted = { fields: fields.toSorted(), incomparable: incomparable.toSorted() }
    return { key: source.key, kind: 'field-mismatch', ...sorted }
  }
}

/** By fingerprints, of the fields that both sides have; a declared field is always on both. */
export const judgeFingerprints: Judge<FingerprintedRecord> = judgeBy((source, target) => {
  const fields: string[] = []
  const incomparable: string[] = []
  for (const name in source.fields) {
    const a = source.fields[name]
    const b = target.fields[name]
    if (a === undefined || b === undefined) continue
    if (a === b && a !== UNREADABLE) continue
    if (compareFingerprints(a, b) === 'different') fields.push(name)
    else incomparable.push(name)
  }
  return { fields, incomparable }
})

/** One listing, a batch at a time, whose order is checked as it goes. */
class Side<T extends Keyed> {
  read = 0
  ended = false
  current: T | undefined
  readonly #name: string
  readonly #batches: AsyncIterator<readonly T[]>
  /** The batch after this one: it is read while this one is merged. */
  #coming: Promise<IteratorResult<readonly T[]>> | undefined
  #batch: readonly T[] = []
  #next = 0
  #last: string | undefined

  constructor(name: string, batches: Batches<T>) {
    this.#name = name
    this.#batches = batches[Symbol.asyncIterator]()
  }

  /** Makes `current` the next record, or `ended` true. */
  async fill(): Promise<void> {
    while (this.current === undefined && !this.ended) {
      const step = await (this.#coming ?? this.#batches.next())
      if (step.done) {
        this.ended = true
        return
      }
      this.#coming = this.#batches.next()
      // its failure is told when it is asked for, if it ever is
      this.#coming.catch(() => {})
      this.#batch = step.value
      this.#next = 0
      this.advance()
    }
  }

  /** To the next record of the batch; `current` is undefined where it is used up. */
  advance(): void {
    const record = this.#batch[this.#next]
    this.#next += 1
    if (record !== undefined) this.#accept(record)
    this.current = record
  }

  async close(): Promise<void> {
    await this.#batches.return?.()
  }

  #accept(record: T): void {
    this.read += 1
    const order = this.#last === undefined ? -1 : compareKeys(this.#last, record.key)
    this.#last = record.key
    if (order < 0) return
    if (order === 0) {
      throw new ListingError(
        'duplicate_key',
        `The ${this.#name} lists one key twice. Name a key that is unique.`,
      )
    }
    throw new ListingError(
      'keys_not_ordered',
      `The ${this.#name} does not list its keys in ascending byte order. Set \`ordered: false\`, or order by key::text COLLATE "C".`,
    )
  }
}
