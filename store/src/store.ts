import type {
  BatchReceipt,
  DetectedFinding,
  EntityRef,
  Finding,
  FindingKind,
  FindingStatus,
  OpaqueEvent,
  ProcessReport,
  StoredEvent,
  SyncproofEvent,
  Verdict,
} from '@syncproof/core/contract'
import type { AlertStore } from './alert-store.ts'
import type { CountStore } from './count-store.ts'
import type { DetectionStore, DetectionVerdicts } from './detection-store.ts'
import type { DumpStore } from './dump-store.ts'
import type { ErasureStore } from './erasure-store.ts'
import type { GroupStore } from './group-store.ts'
import type { HealthStore } from './health-store.ts'
import type { HeartbeatStore } from './heartbeat-store.ts'
import type { InconsistencyStore } from './inconsistency-store.ts'
import type { KeyStore } from './key-store.ts'
import type { MaintenanceStore } from './maintenance-store.ts'
import type { MakerStore } from './maker-store.ts'
import type { ReportStore } from './report-store.ts'
import type { RetentionStore } from './retention-store.ts'
import type { SectionStore } from './section-store.ts'
import type { SegmentStore } from './segment-store.ts'
import type { TraceStore } from './trace-store.ts'
import type { WalStore } from './wal-store.ts'

export type * from './alert-store.ts'
export * from './count-store.ts'
export type * from './detection-store.ts'
export type * from './dump-store.ts'
export type * from './erasure-store.ts'
export type * from './group-store.ts'
export type * from './health-store.ts'
export * from './heartbeat-store.ts'
export type * from './inconsistency-store.ts'
export type * from './key-store.ts'
export type * from './maintenance-store.ts'
export type * from './maker-store.ts'
export type * from './report-store.ts'
export type * from './retention-store.ts'
export type * from './section-store.ts'
export type * from './segment-store.ts'
export type * from './trace-store.ts'
export type * from './wal-store.ts'

/** Everything that the services may ask of the database: the only SQL on our own tables is behind this.
 *  Every method takes the project first; none reads across projects, but for what says so.
 *  Methods reject with `StoreUnavailableError` while the database cannot be reached, and with the driver's
 *  error for a bug. Times are RFC 3339 text in UTC, ids are text. */
export interface Store {
  readonly events: EventStore
  readonly alerts: AlertStore
  readonly counts: CountStore
  readonly detection: DetectionStore
  readonly dumps: DumpStore
  readonly findings: FindingStore
  readonly groups: GroupStore
  readonly inconsistencies: InconsistencyStore
  readonly maintenance: MaintenanceStore
  readonly makers: MakerStore
  readonly operations: OperationStore
  readonly processes: ProcessStore
  readonly sections: SectionStore
  readonly reports: ReportStore
  readonly segments: SegmentStore
  readonly retention: RetentionStore
  readonly erasure: ErasureStore
  readonly health: HealthStore
  readonly heartbeats: HeartbeatStore
  readonly keys: KeyStore
  readonly traces: TraceStore
  readonly wal: WalStore
  /** Resolves when the database answers and is migrated; rejects with the reason otherwise. */
  ready(): Promise<void>
  close(): Promise<void>
}

export interface Page<T> {
  readonly items: readonly T[]
  /** Opaque; pass it as `cursor` for the next page. Null on the last one. */
  readonly next_cursor: string | null
}

export interface PageRequest {
  /** @throws InvalidCursorError for text that `next_cursor` never was. */
  readonly cursor?: string | undefined
  /** 1 to 500. */
  readonly limit: number
}

/** Events are appended and read, never changed. */
export interface EventStore {
  /** Stores validated events of one process, and what the process says of itself, in one transaction that is
   *  durable when this resolves. An id that is already stored changes nothing and counts as a duplicate; with other
   *  content than is stored it is counted as inconsistent, too.
   *  Events get a position under a lane's advisory lock, so that positions of a lane become visible in order.
   *  Ids must be UUIDv7: their day decides where they are kept. */
  append(
    projectId: string,
    process: ProcessReport,
    events: readonly (SyncproofEvent | OpaqueEvent)[],
  ): Promise<Pick<BatchReceipt, 'accepted' | 'duplicates'>>
  /** Everything known of one entity, newest first. */
  timeline(projectId: string, entity: EntityRef, page: PageRequest): Promise<Page<StoredEvent>>
  /** Writes and syncs of one entity with their operations' `operation_finished`, oldest first, at most 5,000; without
   *  writes and syncs that contradict an event stored before them. */
  ofEntity(projectId: string, entity: EntityRef, sinceMs: number): Promise<readonly StoredEvent[]>
}

export interface FindingFilter {
  readonly kind?: string | undefined
  readonly verdict?: Verdict | undefined
  readonly status?: FindingStatus | undefined
  readonly entity_type?: string | undefined
  readonly entity_id?: string | undefined
  /** Name of the wrapped function. */
  readonly operation?: string | undefined
  /** RFC 3339: seen last at or after. */
  readonly since?: string | undefined
}

export interface FindingPatch {
  readonly status?: 'open' | 'acknowledged' | 'muted' | undefined
  readonly note?: string | undefined
}

export interface FindingStore {
  /** Newest `last_seen_at` first. */
  list(projectId: string, filter: FindingFilter, page: PageRequest): Promise<Page<Finding>>
  get(projectId: string, id: string): Promise<Finding | undefined>
  /** @returns the finding as it is now; undefined where there is none. */
  patch(projectId: string, id: string, patch: FindingPatch): Promise<Finding | undefined>
  /** Inserts or updates; `proven` is never downgraded; a resolved state finding seen again is open again.
   *  @returns those that were not stored before */
  record(projectId: string, findings: readonly DetectedFinding[]): Promise<readonly Finding[]>
  /** Marks findings as over. A proven `lost-update` or `write-conflict` has happened and never is.
   *  @returns how many were not resolved before */
  resolve(projectId: string, verdicts: DetectionVerdicts['resolved']): Promise<number>
  /** Says why findings that are not resolved are still `indeterminate`, and adds to their details. Judging their
   *  operation again says anew what the judge says. */
  explain(
    projectId: string,
    reasons: readonly {
      readonly id: string
      readonly reason: string
      readonly details: Readonly<Record<string, unknown>>
    }[],
  ): Promise<void>
  /** Findings of these kinds about these entities that are not resolved. */
  openOf(
    projectId: string,
    kinds: readonly FindingKind[],
    entities: readonly EntityRef[],
  ): Promise<readonly Finding[]>
}

export interface OperationRow {
  readonly operation_id: string
  readonly root_operation_id: string
  readonly name: string
  readonly entity: EntityRef
  readonly process_id: string
  readonly service: string
  readonly release: string | null
  readonly started_at: string
  readonly finished_at: string | null
  readonly outcome: 'ok' | 'failed' | null
  readonly retries: number
}

export interface OperationStore {
  /** Newest first. */
  list(
    projectId: string,
    filter: {
      readonly operation?: string | undefined
      readonly entity_type?: string | undefined
      readonly entity_id?: string | undefined
      readonly since?: string | undefined
    },
    page: PageRequest,
  ): Promise<Page<OperationRow>>
  /** Which of these entities have an operation that has started and not finished, or events that are not judged
   *  yet, or that was active at or after `activeSinceMs`. Open operations of a process that has been silent for `silentMsMax` no
   *  longer count. Returns entityKey() values. */
  busy(
    projectId: string,
    entities: readonly EntityRef[],
    options: { readonly activeSinceMs: number; readonly silentMsMax: number },
  ): Promise<ReadonlySet<string>>
}

export interface ProcessRow {
  readonly id: string
  readonly service: string
  readonly release: string | null
  readonly host: string | null
  readonly first_seen_at: string
  readonly last_seen_at: string
  readonly ended: boolean
  /** Null, as the other two, of a process that is made of spans: it counts nothing. Else
   *  produced = stored + dropped + in_flight + unaccounted, but where the process contradicts itself. */
  readonly produced: number | null
  readonly stored: number
  readonly dropped: Readonly<Record<string, number>>
  /** Produced, neither stored nor dropped, and may be on its way. */
  readonly in_flight: number | null
  /** Produced, neither stored nor dropped, and not on its way any more. Where it comes all the same, it is none of these. */
  readonly unaccounted: number | null
  /** They contradict one that was stored before, and prove nothing. Of those stored, but for copies of an id with other
   *  content: of such the first alone is stored. */
  readonly inconsistent: number
}

/** One minute of a process, by the store's clock: in flight before it + produced = stored + dropped + unaccounted +
 *  in_flight after it. */
export interface MinuteBooks {
  /** RFC 3339. Minutes in which nothing was heard of the process are not there: what it produced in them is in the next. */
  readonly minute: string
  readonly produced: number
  /** Whenever they were produced. */
  readonly stored: number
  readonly dropped: Readonly<Record<string, number>>
  readonly in_flight: number
  readonly unaccounted: number
}

export interface EventBooks {
  readonly unaccounted: number
  readonly inFlight: number
  readonly dropped: readonly { readonly reason: string; readonly count: number }[]
}

export interface ProcessStore {
  list(projectId: string, page: PageRequest): Promise<Page<ProcessRow>>
  /** Its books of the last day, newest first; undefined for a process that is not known. */
  minutes(projectId: string, processId: string, page: PageRequest): Promise<Page<MinuteBooks> | undefined>
  /** For metrics, over all projects but the doctor's: what became of the events of processes that were heard of within a day. */
  books(): Promise<EventBooks>
  /** For metrics, over all projects but the doctor's: events that contradict others, by what they contradict. */
  inconsistent(): Promise<readonly { readonly contradicts: Contradicted; readonly count: number }[]>
}

/** The same sequence number of another event; another event of the operation; another write of the version; what came first
 *  under the same id. */
export const CONTRADICTED = ['sequence', 'operation', 'version', 'content'] as const
export type Contradicted = (typeof CONTRADICTED)[number]

export const SCOPES = ['ingest', 'read', 'admin'] as const
export type Scope = (typeof SCOPES)[number]
