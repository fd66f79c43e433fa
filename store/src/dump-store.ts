import type {
  BatchReceipt,
  DumpEvent,
  DumpMark,
  DumpProcess,
  EntityRef,
  OpaqueEvent,
  ProcessReport,
  SyncproofEvent,
} from '@syncproof/core/contract'

export interface EventFilter {
  /** RFC 3339: produced at or after, by the time in the event's id. */
  readonly since?: string | undefined
  /** RFC 3339: produced before. */
  readonly until?: string | undefined
  /** Events that name it. */
  readonly entity?: EntityRef | undefined
  /** Name of the wrapped function. */
  readonly operation?: string | undefined
  readonly kind?: string | undefined
}

export interface DumpPage {
  /** Of these events. */
  readonly processes: readonly DumpProcess[]
  readonly events: readonly DumpEvent[]
  /** Null on the last one. A page may have no event and not be the last. */
  readonly next_cursor: string | null
}

export interface DumpStore {
  /** The next events in the order of their ids, then those that contradict others. What was stored before the first page
   *  was read is on one of them; what is stored meanwhile may be.
   *  @throws InvalidCursorError */
  page(projectId: string, filter: EventFilter, cursor: string | undefined): Promise<DumpPage>
  /** Takes over what is known of a process, before its events. Where it is known already, what counts more stands. */
  importProcess(projectId: string, process: DumpProcess): Promise<void>
  /** Stores events of one process, whatever their age. Their marks are there before they are, so that nobody judges
   *  an event by mistake. Doing it again changes nothing. */
  importEvents(
    projectId: string,
    process: ProcessReport,
    events: readonly ImportedEvent[],
  ): Promise<Pick<BatchReceipt, 'accepted' | 'duplicates'>>
}

export interface ImportedEvent {
  readonly event: SyncproofEvent | OpaqueEvent
  readonly mark?: DumpMark | undefined
}
