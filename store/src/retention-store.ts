/** How long each kind of row is kept, in milliseconds; null is for ever. One policy for the whole database, whatever the
 *  project: partitions hold the events of all of them. */
export interface RetentionPolicy {
  readonly events: {
    readonly keepMs: number
    /** Kinds of events that are kept for a shorter time. */
    readonly byKind: Readonly<Record<string, number>>
  }
  /** Counted from the last event of the operation that was stored. */
  readonly operationsMs: number | null
  /** Counted from when the process was last heard of. */
  readonly processesMs: number | null
  /** Counted from when the finding was last seen; a resolved one from when it was over, too. */
  readonly findingsMs: { readonly open: number | null; readonly resolved: number | null }
  /** Counted from the end of the run. */
  readonly reportsMs: number | null
  /** Counted from when the section last ran in the release. */
  readonly sectionsMs: number | null
  /** Counted from the last call for the entity. */
  readonly hazardsMs: number | null
}

/** What can expire, each with its figures. */
export type RetentionSubject =
  | 'events'
  | `events.${string}`
  | 'operations'
  | 'processes'
  | 'findings.open'
  | 'findings.resolved'
  | 'reports'
  | 'sections'
  | 'hazards'

export interface RetentionFigure {
  readonly subject: RetentionSubject
  /** Null: for ever. */
  readonly keep_ms: number | null
  /** RFC 3339: nothing older is kept. Null until something has expired. */
  readonly gone_before: string | null
  /** Rows removed so far; of events, about. */
  readonly expired: number
  /** RFC 3339: when everything that was due had last been removed. */
  readonly worked_at: string | null
}

/** The oldest events that are still taken in. Milliseconds since 1970. */
export interface EventHorizon {
  readonly sinceMs: number
  /** Of kinds that are kept for a shorter time. */
  readonly byKind: Readonly<Record<string, number>>
}

export interface Expiry {
  /** False where it was stopped before everything due had been removed. */
  readonly done: boolean
  readonly expired: Readonly<Partial<Record<RetentionSubject, number>>>
  /** Why something that is due is kept for now; sentences for people. */
  readonly kept: readonly string[]
}

export interface RetentionStore {
  /** Makes the partitions of yesterday, today and the next seven days that are missing, without anybody having to wait
   *  for it. @returns how many days were missing */
  prepare(): Promise<number>
  /** Takes a policy for the whole database from now on. What has expired under another one stays gone. */
  declare(policy: RetentionPolicy): Promise<void>
  policy(): Promise<RetentionPolicy>
  /** What is older may be gone already, and who stored it again would store it twice: refuse it.
   *  @param nowMs milliseconds since 1970 */
  horizon(nowMs: number): Promise<EventHorizon>
  /** Whether the last pass over everything ended longer ago. */
  due(everyMs: number): Promise<boolean>
  /** Removes what is past its time, over all projects, in small transactions: killed at any point, it goes on with
   *  the next call. Never makes anybody wait for longer than a tenth of a second.
   *  @param options.nowMs for tests; default: the database's clock */
  expire(options: { readonly signal: AbortSignal; readonly nowMs?: number | undefined }): Promise<Expiry>
  figures(): Promise<readonly RetentionFigure[]>
}
