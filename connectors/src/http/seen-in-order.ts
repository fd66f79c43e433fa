import { compareKeys, type SourceRecord } from '@syncproof/core/comparison'

/** More than the records by which two pages overlap, where some were added between them. */
const REMEMBERED = 5_000

/** What `Seen` says, of a listing in key order: a key behind all others is new, and only the last records are kept, to tell
 *  one that comes again from one that is out of order. */
export class SeenInOrder {
  count = 0
  readonly #contentOf: (record: SourceRecord) => string
  #last: string | undefined
  #recent: SourceRecord[] = []
  #before: readonly SourceRecord[] = []

  constructor(contentOf: (record: SourceRecord) => string) {
    this.#contentOf = contentOf
  }

  add(record: SourceRecord): 'new' | 'same' | 'different' | 'disordered' {
    if (this.#last !== undefined && compareKeys(record.key, this.#last) <= 0) {
      const earlier = this.#find(this.#recent, record.key) ?? this.#find(this.#before, record.key)
      if (earlier === undefined) return 'disordered'
      return this.#contentOf(earlier) === this.#contentOf(record) ? 'same' : 'different'
    }
    this.#last = record.key
    if (this.#recent.length === REMEMBERED) {
      this.#before = this.#recent
      this.#recent = []
    }
    this.#recent.push(record)
    this.count += 1
    return 'new'
  }

  #find(records: readonly SourceRecord[], key: string): SourceRecord | undefined {
    return records.findLast((record) => record.key === key)
  }
}
