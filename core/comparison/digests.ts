import type { KeyOrder, KeyRange } from './key-range.ts'
import type { SourceRecord } from './record-source.ts'

/** What a side can hash where its records are. Two digests are compared only where both sides say the same of `method`,
 *  of the key and of each field; then equal digests mean records that agree by the rules that were asked about. */
export interface DigestOffer {
  /** How records become digests: 128 bits at least, over an injective encoding. */
  readonly method: string
  /** Orders in which ranges can be hashed, the best first. */
  readonly orders: readonly KeyOrder[]
  readonly key: string
  /** Field name to the encoding of its values. Fields that cannot be hashed are left out. */
  readonly fields: ReadonlyMap<string, string>
  /** Fields that records of this side may have. */
  readonly has: ReadonlySet<string>
  /** Opens one state of all records of a range, to be read within a minute.
   *  @param fields that go into the digests
   *  @throws ListingError */
  open(range: KeyRange, fields: readonly string[], signal: AbortSignal): Promise<DigestView>
}

/** Neighbouring records with one digest over all of them, in the view's order. */
export interface DigestGroup {
  /** The first key. */
  readonly from: string
  readonly records: number
  readonly digest: Digest
}

export interface DigestGroups {
  readonly groups: readonly DigestGroup[]
  readonly next: string | undefined
}

/** Undefined: there is a value among them whose digest says nothing; the records themselves must be compared. */
export type Digest = string | undefined

/** One side's records in one range, as they were at one moment. @throws ListingError in every method */
export interface DigestView {
  /** How many may ask at once. */
  readonly lanes: number
  /** The first records of a range in groups of `groupRecords`, and the key where the next group begins; undefined where
   *  these were all. */
  groups(range: KeyRange, groupRecords: number, groupsMax: number): Promise<DigestGroups>
  /** One digest for each range. */
  ranges(ranges: readonly KeyRange[]): Promise<readonly Omit<DigestGroup, 'from'>[]>
  /** The records of ranges, each with its own digest. */
  records(ranges: readonly KeyRange[]): Promise<readonly { readonly key: string; readonly digest: Digest }[]>
  /** Whole records by key; what is not there is left out. */
  read(keys: readonly string[]): Promise<readonly SourceRecord[]>
  /** Keys that cut a range into that many parts of about the same size; fewer where a part would have less than
   *  `recordsMin`. */
  boundaries(range: KeyRange, parts: number, recordsMin: number): Promise<readonly string[]>
  /** Requests and snapshots end. Doing it again changes nothing. */
  close(): Promise<void>
}
