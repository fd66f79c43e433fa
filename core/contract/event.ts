import type { EntityRef } from './entity.ts'

/** The version of this contract. A collector accepts this one and the one before it. */
export const CONTRACT_VERSION = 1

/** The body of `POST /v1/events`. An empty batch is a heartbeat. */
export interface EventBatch {
  readonly contract: number
  readonly process: ProcessReport
  readonly events: readonly SyncproofEvent[]
}

/** One run of one program: a process that restarts gets a new `id`. */
export interface ProcessReport {
  /** UUID, new at each start. */
  readonly id: string
  readonly service: string
  readonly release?: string | undefined
  readonly host?: string | undefined
  readonly clock?: ClockReport | undefined
  readonly books?: ProcessBooks | undefined
}

export interface ClockReport {
  /** The collector's clock minus this process's, in milliseconds: it lies between these two. */
  readonly offset_ms: readonly [low: number, high: number]
}

/** What this process produced and what it dropped, by reason, since it started. */
export interface ProcessBooks {
  readonly produced: number
  readonly dropped: Readonly<Record<string, number>>
}

/** A write, a sync or a commit: applied, surely not applied, or possibly applied. */
export type Outcome = 'ok' | 'rejected' | 'unknown'

export type WriteAction = 'create' | 'update' | 'delete' | 'upsert'

export type Intent = 'optimistic' | 'last_write_wins' | 'unspecified'

/** What kept another writer from changing the row between the read and the write. */
export type Guard = 'none' | 'version' | 'lock' | 'snapshot' | 'serializable'

/** How a field of a write came by its value. Only `value` and `counter` can prove a loss. */
export type Assignment = 'value' | 'supplied' | 'counter' | 'last_write_wins' | 'expression' | 'unknown'

export type Protection = 'row_lock' | 'advisory_lock' | 'version' | 'serializable' | 'external'

/** Field name to fingerprint. */
export type Fingerprints = Readonly<Record<string, string>>

export interface EventBase {
  /** UUIDv7; its time is the time of production. */
  readonly id: string
  /** 0, 1, 2 … within the process, assigned when produced, before anything can be dropped. */
  readonly seq: number
  /** The moment of sending, RFC 3339 with microseconds, UTC. */
  readonly at: string
  /** The same moment on the process's monotonic clock, in microseconds. */
  readonly monotonic_us: number
}

interface OperationEvent extends EventBase {
  /** UUID of the run of the wrapped function. */
  readonly operation_id: string
}

/** A system that the operation must reach before it ends, or later by an outbox. */
export interface SyncTarget {
  readonly system: string
  readonly async?: boolean | undefined
}

export interface OperationStarted extends OperationEvent {
  readonly kind: 'operation_started'
  readonly name: string
  readonly entity: EntityRef
  readonly parent_operation_id?: string | undefined
  readonly root_operation_id: string
  /** 1 for the first try. */
  readonly attempt: number
  readonly retry_of?: string | undefined
  readonly idempotency_key?: string | undefined
  readonly intent: Intent
  readonly syncs?: readonly SyncTarget[] | undefined
  readonly trace_id?: string | undefined
  readonly span_id?: string | undefined
}

export interface RowLock {
  /** As written in SQL: `FOR UPDATE`, `FOR SHARE` … */
  readonly mode: string
  readonly in_transaction: boolean
}

export interface ReadEvent extends OperationEvent {
  readonly kind: 'read'
  readonly system: string
  readonly entity: EntityRef
  readonly found: boolean
  /** Token of the row version that was read; see token.ts. */
  readonly version?: string | undefined
  readonly fields: Fingerprints
  /** Opaque id, `none` for autocommit, absent if unknown. */
  readonly transaction?: string | undefined
  readonly lock?: RowLock | undefined
  readonly duration_us?: number | undefined
}

export interface WriteEvent extends OperationEvent {
  readonly kind: 'write'
  readonly system: string
  readonly entity: EntityRef
  readonly action: WriteAction
  /** Token that the operation read and derived this write from. */
  readonly base_version?: string | undefined
  /** Every version of this row that any operation under the same root read or produced before this write. */
  readonly known_versions: readonly string[]
  /** There were more than the limit, or an own write went unanswered: `known_versions` is not all. */
  readonly known_incomplete?: boolean | undefined
  /** The version that the write replaced: a token, `none` for surely no row, absent for not known. */
  readonly overwritten_version?: string | undefined
  /** The overwritten version was made by this very transaction; absent = could not be decided. */
  readonly overwritten_by_self?: boolean | undefined
  /** Token of the row version that the write made. */
  readonly version?: string | undefined
  readonly assigned: Readonly<Record<string, Assignment>>
  /** The row after the write. */
  readonly fields: Fingerprints
  /** What the operation last knew of each field, by reading or by its own writing. */
  readonly base_fields?: Fingerprints | undefined
  /** The row that was replaced. */
  readonly overwritten_fields?: Fingerprints | undefined
  readonly guard: Guard
  readonly section?: { readonly name: string; readonly base_read_inside: boolean } | undefined
  readonly transaction?: string | undefined
  /** The final fate: known only when the transaction has ended. */
  readonly outcome: Outcome
  readonly duration_us?: number | undefined
  /** More rows were written than are reported one by one: proves nothing. 0: the statement found no row, so that
   *  nothing was written and nothing was refused. */
  readonly rows_over_limit?: number | undefined
}

export interface TransactionFinished extends OperationEvent {
  readonly kind: 'transaction_finished'
  readonly transaction: string
  readonly isolation: string
  readonly outcome: Outcome
  readonly duration_us?: number | undefined
}

export interface SyncEvent extends OperationEvent {
  readonly kind: 'sync'
  readonly system: string
  readonly entity: EntityRef
  readonly action: WriteAction
  /** Token of the row version that the payload carries. */
  readonly version?: string | undefined
  readonly fields: Fingerprints
  readonly outcome: Outcome
  readonly external_id?: string | undefined
  /** Opaque, or a decimal string where `external_ordered` says that revisions are ordered. */
  readonly external_version?: string | undefined
  readonly external_ordered?: boolean | undefined
  /** Fingerprint of a key that the external system should hold once. */
  readonly unique_key?: string | undefined
  readonly status?: number | undefined
  /** 1 for the first try of this sync. */
  readonly attempt: number
  readonly idempotency_key?: string | undefined
  /** The operation whose write this carries, when an outbox or another process sends it. */
  readonly on_behalf_of?: string | undefined
  readonly duration_us?: number | undefined
}

interface SectionEvent extends OperationEvent {
  readonly name: string
  readonly entity: EntityRef
  readonly protection: Protection
  readonly transaction?: string | undefined
  /** What the check of the locking read said; absent = not checked. */
  readonly locked?: boolean | undefined
}

/** The lock is held: the moment after it was acquired. */
export interface SectionEntered extends SectionEvent {
  readonly kind: 'section_entered'
}

/** The lock is about to be released: the moment before the release is sent. */
export interface SectionLeft extends SectionEvent {
  readonly kind: 'section_left'
}

export interface OperationFinished extends OperationEvent {
  readonly kind: 'operation_finished'
  readonly outcome: 'ok' | 'failed'
  readonly error?: { readonly type: string; readonly message: string } | undefined
  /** Reads, writes, syncs and wrapped calls that it had begun and that had no answer yet, or whose transaction
   *  had not ended: their events come later, so nothing may be claimed from their absence. Absent = none. */
  readonly in_flight?: number | undefined
  /** Wrapped functions that it called itself, so that it shows when what they did is not at hand. Absent = none. */
  readonly calls?: number | undefined
  readonly duration_us?: number | undefined
}

export interface ProcessEnded extends EventBase {
  readonly kind: 'process_ended'
  readonly last_seq: number
}

export interface ContractViolated extends OperationEvent {
  readonly kind: 'contract_violated'
  readonly boundary: 'input' | 'output' | 'response'
  /** Whose response it was. */
  readonly system?: string | undefined
  /** Paths and codes, never values. */
  readonly issues: readonly { readonly path: string; readonly code: string }[]
}

export interface InvariantViolated extends OperationEvent {
  readonly kind: 'invariant_violated'
  readonly name: string
  readonly entity: EntityRef
  readonly system: string
}

export type SyncproofEvent =
  | OperationStarted
  | ReadEvent
  | WriteEvent
  | TransactionFinished
  | SyncEvent
  | SectionEntered
  | SectionLeft
  | OperationFinished
  | ProcessEnded
  | ContractViolated
  | InvariantViolated

export type EventKind = SyncproofEvent['kind']

/** An event of a kind that this release does not know: kept as it came, read by nobody. */
export interface OpaqueEvent extends EventBase {
  readonly kind: string
  readonly operation_id?: string | undefined
}

/** The answer to a batch, sent after the commit. */
export interface BatchReceipt {
  readonly accepted: number
  /** Already stored before, with the same id: nothing was changed. */
  readonly duplicates: number
  readonly rejected: readonly RejectedEvent[]
}

export interface RejectedEvent {
  /** Position in the batch's `events`. */
  readonly index: number
  /** A code of the error catalogue. */
  readonly code: string
  /** JSON pointer (RFC 6901) into the batch, such as `/events/3/fields/email`. */
  readonly pointer: string
  readonly message: string
}
