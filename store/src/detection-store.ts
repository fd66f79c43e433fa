import type {
  DetectedFinding,
  EntityRef,
  Finding,
  FindingKind,
  ProcessReport,
  Resolution,
  StoredEvent,
} from '@syncproof/core/contract'

/** Another operation, with every event of it that is stored. */
export type NeighbourRow = Pick<OperationHistoryRow, 'operationId' | 'process' | 'events' | 'complete'>

/** An operation with every event of it that is stored. */
export interface OperationHistoryRow {
  readonly operationId: string
  readonly process: ProcessReport
  /** Ascending by seq. */
  readonly events: readonly StoredEvent[]
  /** `operation_finished` is stored, and so is every sequence number of the process between the first and the
   *  last event of this operation: what is not here did not happen. */
  readonly complete: boolean
  /** Events of the operations that it called, directly or through others. Only where they can matter, which is
   *  where it has ended and declares systems to reach; empty where they are too many (see FAMILY_EVENTS_MAX). */
  readonly family: readonly StoredEvent[]
  /** Operations that share a link with it; none where the step was given no rules. */
  readonly neighbours: readonly NeighbourRow[]
  /** Events of it, of what it called or of what its process did meanwhile were there and are not any more, because they have
   *  expired or were erased. Then it is not `complete`, only what is proven and new is stored of what is said
   *  of it, and it must end nothing. */
  readonly holed: boolean
  /** Where the end of its process is stored. `whole`: so is every sequence number from the operation's first event to
   *  the process's last one. */
  readonly processEnd: { readonly event: ProcessEndEvent; readonly whole: boolean } | undefined
}

export type ProcessEndEvent = Extract<StoredEvent, { readonly kind: 'process_ended' }>

/** What the store must know of judging, from core/detection: which operations are shown together, and how the
 *  calls of a function add up. */
export interface DetectionRules {
  /** Under which links an event is found: texts that events of different operations name. */
  linksOf(event: StoredEvent): readonly string[]
  /** Where to look from an operation, at hop 1; from its neighbours, at hop 2 and on. */
  linksWanted(operation: Pick<OperationHistoryRow, 'events'>, hop: number): readonly string[]
  /** When a hazard's call could have met another one; undefined where the finding is no hazard of a function. */
  exposedCallOf(finding: DetectedFinding): HazardCall | undefined
  /** Milliseconds between two calls on one entity; 0 where they met. */
  missMs(a: Pick<HazardCall, 'fromMs' | 'untilMs'>, b: Pick<HazardCall, 'fromMs' | 'untilMs'>): number
  /** Groups of events of one operation, by their ids, of which one can be true. */
  contradictionsWithin(events: readonly StoredEvent[]): readonly (readonly string[])[]
  /** The link of the version that an event's transaction alone can have made; undefined for other events. */
  madeVersion(event: StoredEvent): string | undefined
  /** Whether two events that made one version contradict each other. */
  madeTwice(a: StoredEvent, b: StoredEvent): boolean
  collisionsAMonth(traffic: HazardTraffic): number | undefined
  /** The link under which the write that made a version is found, and those that replaced it. */
  versionLink(version: string): string
  /** Whether what an event tells of may have made a version that the event does not name. */
  hidesVersion(event: StoredEvent): boolean
  /** Whether an event that hides a version may hide one that came up in the window and that `replacing` replaced. */
  mayHide(
    event: StoredEvent,
    process: Pick<ProcessReport, 'clock'>,
    replacing: StoredWrite,
    window: VersionWindow,
  ): boolean
  /** When a version that a write replaced came up, where its operation had not seen it.
   *  @param rootStartedMs of the operation's root, on its process's clock */
  windowOf(
    operation: Pick<OperationHistoryRow, 'events' | 'process'>,
    write: StoredWrite,
    rootStartedMs: number,
  ): VersionWindow | undefined
  readonly limits: {
    readonly hopsMax: number
    readonly neighboursMax: number
    /** Before the operation, and after it. */
    readonly eventsPerLinkMax: number
    readonly linkWindowMs: number
  }
}

export type StoredWrite = Extract<StoredEvent, { readonly kind: 'write' }>

/** On the collector's clock, in milliseconds since 1970, each as far out as it may have been. */
export interface VersionWindow {
  readonly sinceMs: number
  readonly untilMs: number
}

/** Times are milliseconds since 1970. */
export interface HazardCall {
  readonly entity: EntityRef
  readonly fromMs: number
  readonly untilMs: number
}

/** All calls of a function that shows a hazard. */
export interface HazardTraffic {
  readonly calls: number
  /** The sum over all entities of n × (n − 1), for n calls on one entity. */
  readonly orderedPairs: number
  readonly windowMsSum: number
  readonly firstMs: number
  readonly lastMs: number
}

export interface DetectionBatch {
  readonly projectId: string
  /** New events of this step, in position order, with the events of their operations. */
  readonly events: readonly StoredEvent[]
  readonly operations: readonly OperationHistoryRow[]
  /** When the oldest event of the batch was stored, milliseconds since 1970. */
  readonly oldestReceivedMs: number
}

export interface DetectionVerdicts {
  /** One for each operation that shows it: the same hazard may be among them several times. */
  readonly findings: readonly DetectedFinding[]
  /** Findings that are over, by id. Only open, acknowledged and muted ones change. */
  readonly resolved: readonly { readonly id: string; readonly resolution: Resolution }[]
  /** Versions that new events replaced and that their operations had not seen: their makers are looked for
   *  (`MakerStore`). Absent = none. */
  readonly unseen?: readonly UnseenVersionRow[]
  /** What became of the writes of operations whose end is among the new events, for metrics. Absent = none. */
  readonly synced?: readonly SyncedWrite[]
}

/** See core/detection/synced-writes.ts. */
export interface SyncedWrite {
  readonly entityType: string
  readonly system: string
  readonly result: 'reached' | 'split' | 'unknown'
  readonly withinS?: number | undefined
}

export interface UnseenVersionRow {
  readonly version: string
  readonly operationId: string
  /** Of the write that replaced it. */
  readonly eventId: string
}

export interface DetectionStep {
  /** 0 means that the lane is drained. */
  readonly events: number
  /** Findings that were not stored before, those of the doctor's project aside. */
  readonly created: readonly Finding[]
}

export interface DetectionStore {
  /** Lanes are tailed independently: 0 … lanes - 1. */
  readonly lanes: number
  /** Takes the next events of a lane, a project at a time, hands them to `judge`, and commits what it says with the lane's cursor in
   *  one transaction: a step that dies leaves both as they were. The cursor row is locked (SKIP LOCKED), so
   *  of two detectors on one lane one gets nothing and resolves with 0 events. Also hands over the operations that waited for a gap in
   *  their process's sequence which has been filled since. Keeps the `operations` projection.
   *
   *  `judge` runs inside the transaction: it may ask `evidence`, never the store, which on PGlite would wait for
   *  this very step. What it throws, `step` rejects with, and nothing is committed. A hazard counts an operation as one
   *  occurrence in the step that brings its `operation_finished`, if the finding's `cause` names it.
   *
   *  Links of the new events are committed first, in a transaction of their own: of two operations that share one,
   *  whichever is judged last is handed over with the other. Events that contradict one stored before them are marked as
   *  inconsistent and handed over to nobody, and nothing of their process is `complete` any more. With no `rules` operations have no neighbours, and
   *  hazards no `details.traffic`. */
  step(
    lane: number,
    eventsMax: number,
    judge: (batch: DetectionBatch, evidence: DetectionEvidence) => Promise<DetectionVerdicts>,
    rules?: DetectionRules,
  ): Promise<DetectionStep>
  /** Events stored and not yet judged, and the age of the oldest of them; over all projects. */
  lag(): Promise<{ readonly events: number; readonly oldestAgeMs: number }>
}

/** What a judge may read within its step. */
export interface DetectionEvidence {
  openFindings(kind: FindingKind, entities: readonly EntityRef[]): Promise<readonly Finding[]>
  /** Which of these findings are stored and not resolved. */
  unresolved(ids: readonly string[]): Promise<readonly string[]>
  /** As `EventStore.ofEntity`. */
  entityEvents(entity: EntityRef, sinceMs: number): Promise<readonly StoredEvent[]>
}
