import type { FieldRules } from '../contract/index.ts'
import type { DigestOffer } from './digests.ts'
import type { KeyOrder, KeyRange } from './key-range.ts'
import type { TransactionAnswers } from './transaction-answers.ts'

/** One record of one system, as it was read. */
export interface SourceRecord {
  /** The record's identity, the same text on both sides of a pair; well-formed Unicode, never empty. */
  readonly key: string
  /** Field name to value, as the system names it; without the members that are its key and its version. */
  readonly fields: Readonly<Record<string, unknown>>
  /** When this state was true, RFC 3339: the snapshot's start for a database, the reply's arrival for an API. */
  readonly observedAt: string
  /** Changes whenever the record does, where the system declares such a member. */
  readonly version?: string
  /** The system keeps it and calls it deleted (or archived, merged …): for the other side there is no such record. */
  readonly deleted?: true
}

export interface RecordBatch {
  readonly records: readonly SourceRecord[]
  /** With this a later listing goes on behind the batch, in another process too; opaque, and without values of records
   *  beyond their keys. Absent where the system cannot go on: the listing is then begun anew. */
  readonly position?: string
}

export interface ListOptions {
  /** Only these records; of an order that the source offers. Default: all. */
  readonly range?: KeyRange | undefined
  /** `position` of a batch of an earlier listing of the same range: what came until then is not listed again. Systems
   *  may have changed meanwhile: a record may come twice, or not at all, as between two pages of one listing. */
  readonly after?: string | undefined
}

/** One side of a pair: what comparison knows of a database, an API, a file. Made by a connector. */
export interface RecordSource {
  /** For people: `postgres candidates`. Never with credentials. */
  readonly name: string
  /** `list` yields keys in ascending order of their UTF-8 bytes, as `COLLATE "C"` does. */
  readonly ordered: boolean
  /** Every record once, in batches. It ends only where the system itself said that this was all.
   *  @throws ListingError where the listing cannot be trusted to be whole */
  list(signal: AbortSignal, options?: ListOptions): AsyncIterable<RecordBatch>
  /** One record by key; undefined where the system says that there is none. Absent where it cannot be asked.
   *  @throws ListingError where the answer is neither a record nor a clear no */
  get?(key: string, signal: AbortSignal): Promise<SourceRecord | undefined>
  /** How many records there are by the system's own count, apart from a listing. Absent where it has none.
   *  @throws ListingError */
  count?(signal: AbortSignal): Promise<number>
  /** How its records can be taken apart into ranges of keys. Absent where it can only be listed as a whole.
   *  @throws ListingError */
  ranges?(signal: AbortSignal): Promise<KeyRanges>
  /** What can be hashed where the records are; undefined where nothing can, or not surely.
   *  @param rules of every field that will be compared, by name
   *  @throws ListingError */
  digests?(rules: FieldRules, signal: AbortSignal): Promise<DigestOffer | undefined>
  /** A rule for each field whose type the system declares. */
  fieldRules?(): Promise<FieldRules>
  /** What became of transactions. Absent where it is no database that remembers them.
   *  @param ids the 32 bits of each that a row's version shows, as decimal text
   *  @throws ListingError where the database does not answer */
  transactions?(ids: readonly string[], signal: AbortSignal): Promise<TransactionAnswers>
  /** Requests or statements sent since it was opened, retries included. */
  requests(): number
  /** Ends what it opened itself. Doing it again changes nothing. */
  close(): Promise<void>
}

export interface KeyRanges {
  /** In which a range of keys is found without reading the others, the best first. */
  readonly orders: readonly KeyOrder[]
  /** Roughly. */
  readonly records: number
  /** Keys that cut the records into ranges of about so many, ascending in the order; none where there are no more.
   *  @throws ListingError */
  boundaries(order: KeyOrder, recordsPerRange: number, signal: AbortSignal): Promise<readonly string[]>
}

/** A source that is configured and not yet opened: opening neither connects nor fails. */
export interface SourceSpec {
  readonly kind: string
  /** For people: `postgres candidates`. Never with credentials. */
  readonly description: string
  open(): RecordSource
}

/** Two systems that should hold the same records. */
export interface PairConfig {
  /** The system of record. */
  readonly source: SourceSpec
  /** The copy. */
  readonly target: SourceSpec
  /** Declared fields are compared on every record, absent ones too. Fields without a rule are compared by the
   *  source's type for them, on records where both sides have them. */
  readonly fields?: FieldRules
  /** Entity type in events and findings. Default: the pair's name. */
  readonly entityType?: string
  /** `hashed`: records are called by keyed hashes of their keys, in the store, in findings and in reports. The app
   *  must declare the same of the entity type. Default: by their keys. */
  readonly entityId?: 'hashed'
  /** How the app calls the target in its syncs: `ats`. It is needed where the app syncs such records to several systems, to
   *  explain what differs. */
  readonly system?: string
  /** How often it runs: `15m`, `2h`. Default: only on demand. */
  readonly every?: string
  /** How long a write may take to reach the target: `2m`, `500ms`. */
  readonly grace?: string
  readonly owner?: string
}
