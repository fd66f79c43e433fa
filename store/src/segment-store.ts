import type { DivergenceKind } from './report-store.ts'

/** Of keys with `from` ≤ key < `to` in an order; null is no bound. */
export interface SegmentRange {
  readonly order: string
  readonly from: string | null
  readonly to: string | null
}

/** A part of a whole run that one worker compares. */
export interface Segment {
  readonly number: number
  /** Null for all records. */
  readonly range: SegmentRange | null
  readonly checkpoint: Checkpoint | null
}

export type Side = 'source' | 'target'

/** How far the sides of a segment have been staged. */
export interface Checkpoint {
  /** What the staged fingerprints were made with; staged otherwise they cannot be compared. */
  readonly rules: string
  readonly sides: Readonly<Partial<Record<Side, StagedSide>>>
}

export interface StagedSide {
  /** Where the listing goes on; absent where it cannot. */
  readonly position?: string | undefined
  /** Records that were listed, those that came twice too. */
  readonly records: number
  readonly isWhole: boolean
}

export interface SegmentCounts {
  readonly source: number
  readonly target: number
  readonly agreed: number
}

export interface StoredSuspect {
  readonly key: string
  readonly kind: DivergenceKind
  readonly fields: readonly string[]
  /** One short text for the state of the source. */
  readonly source_state: string
  readonly seen_at: string
}

export interface SegmentResult {
  readonly counts: SegmentCounts
  readonly suspects: readonly StoredSuspect[]
  /** Suspects beyond those. */
  readonly overflow: number
  readonly requests: number
  /** Why it cannot be trusted; null where it can. */
  readonly problem: { readonly code: string; readonly detail: string } | null
}

/** A segment of a worker, by whose fence it writes. */
export interface ClaimedSegment {
  readonly projectId: string
  readonly reportId: string
  readonly number: number
  readonly fence: number
}

export interface StagedRecord {
  readonly key: string
  /** Field name to fingerprint. */
  readonly fields: Readonly<Record<string, string>>
  readonly deleted?: true | undefined
}

/** The parts of runs. Where a fence is not the newest, or the run is over, nothing is written and false is returned: stop. */
export interface SegmentStore {
  /** Takes a run apart, once: what is planned stays.
   *  @param fence of the report  @returns false where it is not the newest */
  plan(
    projectId: string,
    reportId: string,
    fence: number,
    plan: { readonly ranges: readonly (SegmentRange | null)[]; readonly estimatedRecords: number | null },
  ): Promise<boolean>
  /** The next segment that nobody works on. */
  claim(
    projectId: string,
    reportId: string,
    abandonedMs: number,
  ): Promise<(ClaimedSegment & { readonly segment: Segment }) | undefined>
  /** How many are not done, and of them those that nobody works on. */
  open(
    projectId: string,
    reportId: string,
    abandonedMs: number,
  ): Promise<{ readonly planned: number; readonly unfinished: number; readonly unattended: number }>
  /** Says that the worker lives, and how far it is. */
  heartbeat(claimed: ClaimedSegment, counts: Pick<SegmentCounts, 'source' | 'target'>): Promise<boolean>
  /** Gives it back, for others to claim at once; what is staged stays. */
  release(claimed: ClaimedSegment): Promise<void>
  finish(claimed: ClaimedSegment, result: SegmentResult): Promise<boolean>
  /** What all segments of a run have found. */
  results(projectId: string, reportId: string, suspectsMax: number): Promise<SegmentResult>
  /** Runs that have segments which nobody works on, over all projects. */
  unattended(
    abandonedMs: number,
  ): Promise<readonly { readonly projectId: string; readonly reportId: string; readonly segments: number }[]>
  /** Adds records of a side that cannot be read in key order, and notes how far it is, in one transaction. Of a key that
   *  comes twice the last record stays. Keys of more than 2,600 bytes are refused by the database. */
  stage(
    claimed: ClaimedSegment,
    side: Side,
    records: readonly StagedRecord[],
    checkpoint: Checkpoint,
  ): Promise<boolean>
  /** Forgets what is staged of a side. */
  unstage(claimed: ClaimedSegment, side: Side): Promise<boolean>
  /** How many keys are staged; undefined where records are gone, because the database server has crashed since. */
  stagedKeys(claimed: ClaimedSegment, side: Side): Promise<number | undefined>
  /** Streams what is staged in byte order of the keys.
   *  @throws Error at the end where records are gone, because the database server has crashed since */
  staged(claimed: ClaimedSegment, side: Side, batchSize: number): AsyncIterable<readonly StagedRecord[]>
}
