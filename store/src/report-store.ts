import type { DetectedFinding } from '@syncproof/core/contract'
import type { DetectionVerdicts, Page, PageRequest } from './store.ts'

export type ReportState = 'queued' | 'running' | 'finished'
export type ReportResult = 'clean' | 'diverged' | 'unknown'

export interface Coverage {
  readonly source_records: number
  readonly target_records: number
  /** Records decided: they agree or they diverge. */
  readonly compared: number
  readonly indeterminate: number
  /** Records known to exist that were not read; null where it is not known how many. */
  readonly unread: number | null
  readonly requests: number
}

/** How far a run is. Records of both sides count; an estimate may be off. */
export interface Progress {
  readonly source_records: number
  readonly target_records: number
  /** How many records there are to compare, a side; null where nobody knows. */
  readonly estimated_records: number | null
  /** Of both sides, since the run began. */
  readonly records_per_second: number
  /** Until both sides are read; null where nobody knows. */
  readonly seconds_left: number | null
  readonly segments: number
  readonly segments_done: number
}

/** One reconciliation of a pair. */
export interface Report {
  readonly id: string
  readonly pair: string
  readonly state: ReportState
  /** Null until it is finished. */
  readonly result: ReportResult | null
  /** Why the result is unknown, or what a run that could tell could not look at: code and detail with the mend. */
  readonly problem: { readonly code: string; readonly detail: string } | null
  readonly trigger: 'schedule' | 'request' | 'unknown-outcome'
  /** Only these keys were asked for; null for the whole pair. */
  readonly keys: readonly string[] | null
  /** The first finished whole run of the pair, or the first by these rules: what differed was there before. */
  readonly baseline: boolean
  /** Version of the pair's declared field rules; null before it is finished, and of runs of single keys. */
  readonly rules: string | null
  /** Synthetic drift of each kind was planted and found by this run's own comparer. */
  readonly self_test: 'passed' | 'failed' | null
  readonly coverage: Coverage | null
  readonly diverged: number
  /** Reason of a maintenance window that was on while it ran: of what it found nobody was told until that ended. Null
   *  where there was none, and before it is finished. */
  readonly maintenance: string | null
  /** How far a whole run is; null before it has begun to compare and after it has ended. */
  readonly progress: Progress | null
  readonly requested_at: string
  readonly started_at: string | null
  readonly finished_at: string | null
}

export type DivergenceKind = 'missing-in-target' | 'unexpected-in-target' | 'field-mismatch'

/** One record on which a report's two sides do not agree, or could not be decided. */
export interface Divergence {
  readonly key: string
  readonly kind: DivergenceKind
  readonly verdict: 'observed' | 'indeterminate'
  readonly fields: readonly string[]
  readonly reason: string | null
  /** The finding, for an observed one. */
  readonly finding_id: string | null
  readonly source_observed_at: string | null
  readonly target_observed_at: string | null
}

export interface PairRow {
  readonly name: string
  readonly entity_type: string
  readonly source: string
  readonly target: string
  readonly every_ms: number | null
  readonly grace_ms: number
  readonly owner: string | null
}

export interface ReportStore {
  /** Says which pairs are configured; pairs that are not named any more are no longer listed. */
  declarePairs(projectId: string, pairs: readonly PairRow[]): Promise<void>
  pairs(
    projectId: string,
  ): Promise<
    readonly (PairRow & { readonly last_report: Report | null; readonly last_success_at: string | null })[]
  >
  /** The last whole run that has ended of each configured pair. */
  lastWhole(projectId: string): Promise<readonly Pick<Report, 'pair' | 'result' | 'coverage' | 'self_test'>[]>
  /** Queues a run. Where one of the same pair, trigger and keys is still queued, that one is returned: asking twice runs once.
   *  @returns undefined where the pair is not configured */
  request(
    projectId: string,
    pair: string,
    trigger: Report['trigger'],
    keys: readonly string[] | null,
  ): Promise<Report | undefined>
  /** Queues a whole run of a pair by its schedule, if it is due: its last whole run has ended, and was asked for longer than
   *  `every_ms` ago. Of any number of askers at once one queues it.
   *  @returns the run that was queued; undefined where none was, or the pair has no schedule */
  requestDue(projectId: string, pair: string): Promise<Report | undefined>
  /** The configured pairs that run by a schedule. */
  schedules(projectId: string): Promise<readonly { readonly pair: string; readonly everyMs: number }[]>
  /** The rules of the pair's last whole run that could tell; undefined where there was none. */
  lastRules(projectId: string, pair: string): Promise<string | null | undefined>
  /** Takes a queued report, or a running one whose worker has not said anything for `abandonedMs`, for this worker. Of two
   *  whole runs of a pair one waits for the other.
   *  @returns a fencing token, or undefined where another worker has it, it has to wait, or it is finished */
  claim(
    projectId: string,
    id: string,
    abandonedMs: number,
  ): Promise<{ readonly report: Report; readonly fence: number } | undefined>
  /** Says that the worker lives. @returns false where the fence is no longer the newest: stop. */
  heartbeat(projectId: string, id: string, fence: number): Promise<boolean>
  /** Gives a running report back, for others to claim at once. */
  release(projectId: string, id: string, fence: number): Promise<void>
  /** Publishes result, divergences and findings together with resolutions in one transaction; false where the fence is old. */
  finish(
    projectId: string,
    id: string,
    fence: number,
    outcome: {
      readonly result: ReportResult
      readonly problem: Report['problem']
      readonly coverage: Coverage
      readonly self_test: Report['self_test']
      /** Null where nothing was compared. */
      readonly rules: string | null
      readonly divergences: readonly Divergence[]
      readonly findings: readonly DetectedFinding[]
      readonly resolved: DetectionVerdicts['resolved']
      /** What the report names from now on in place of the keys that were asked for. Default: those. */
      readonly keys?: readonly string[] | undefined
    },
  ): Promise<boolean>
  list(
    projectId: string,
    filter: { readonly pair?: string | undefined },
    page: PageRequest,
  ): Promise<Page<Report>>
  get(projectId: string, id: string): Promise<Report | undefined>
  /** Ascending by key. */
  divergences(projectId: string, reportId: string, page: PageRequest): Promise<Page<Divergence>>
  /** Queued reports and running ones that nobody works on: what a scheduler enqueues again; over all projects. */
  pending(abandonedMs: number): Promise<readonly { readonly projectId: string; readonly id: string }[]>
}
