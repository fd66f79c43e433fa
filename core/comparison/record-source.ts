import type { FieldRules } from '../contract/index.ts'
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
}

/** One side of a pair: what comparison knows of a database, an API, a file. Made by a connector. */
export interface RecordSource {
  /** For people: `postgres candidates`. Never with credentials. */
  readonly name: string
  /** `list` yields keys in ascending order of their UTF-8 bytes, as `COLLATE "C"` does. */
  readonly ordered: boolean
  /** Every record once, in batches. It ends only where the system itself said that this was all.
   *  @throws ListingError where the listing cannot be trusted to be whole */
  list(signal: AbortSignal): AsyncIterable<readonly SourceRecord[]>
  /** One record by key; undefined where the system says that there is none. Absent where it cannot be asked.
   *  @throws ListingError where the answer is neither a record nor a clear no */
  get?(key: string, signal: AbortSignal): Promise<SourceRecord | undefined>
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
  /** How often it runs: `15m`, `2h`. Default: only on demand. */
  readonly every?: string
  /** How long a write may take to reach the target: `2m`, `500ms`. */
  readonly grace?: string
  readonly owner?: string
}

export const LISTING_ERROR_CODES = [
  'source_unreachable',
  'permission_denied',
  'timed_out',
  'table_not_found',
  'column_not_found',
  'page_failed',
  'not_json',
  'unexpected_shape',
  'body_too_large',
  'truncated',
  'cursor_repeated',
  'page_did_not_advance',
  'foreign_origin',
  'key_missing',
  'duplicate_key',
  'keys_not_ordered',
] as const
export type ListingErrorCode = (typeof LISTING_ERROR_CODES)[number]

/** A listing or a read that cannot be trusted. It makes the report `unknown`; it never means that records are
 *  missing. `detail` says what was seen and how to mend it, without values of records. */
export class ListingError extends Error {
  override readonly name = 'ListingError'
  readonly code: ListingErrorCode
  readonly detail: string

  constructor(code: ListingErrorCode, detail: string, options?: { readonly cause?: unknown }) {
    super(`${code}: ${detail}`, options)
    this.code = code
    this.detail = detail
  }
}
