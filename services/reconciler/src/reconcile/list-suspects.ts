import type { ComparisonCounts } from '@syncproof/core/comparison'
import type { Report, SegmentResult } from '@syncproof/store'
import { type Context, pause } from '../context.ts'
import { limits } from '../limits.ts'
import { GivenBackError } from './keep-alive.ts'
import { planSegments } from './plan-segments.ts'
import type { Sides } from './read-record.ts'
import type { Candidate } from './recheck-candidates.ts'
import { workOnSegments } from './work-on-segments.ts'

/** One try of a report, by the worker that has claimed it. */
export interface Run {
  readonly report: Report
  readonly fence: number
}

export interface ListedSuspects {
  readonly candidates: readonly Candidate[]
  /** Suspects past the bound: they stay undecided. */
  readonly overflow: number
  readonly counts: ComparisonCounts
  /** Requests of workers to both sides, this one's too. */
  readonly requests: number
}

/** A listing that broke off, with what had been read until then. */
export class BrokenListingError extends Error {
  override readonly name = 'BrokenListingError'
  readonly problem: NonNullable<SegmentResult['problem']>
  readonly listed: ListedSuspects

  constructor(problem: NonNullable<SegmentResult['problem']>, listed: ListedSuspects) {
    super(problem.detail)
    this.problem = problem
    this.listed = listed
  }
}

/** Reads both sides of a pair, taken apart into segments, which other workers may take too, and gathers what all of them
 *  have found. What workers before this one have found counts.
 *  @throws BrokenListingError where a listing cannot be trusted to be whole */
export async function listSuspects(
  context: Context,
  run: Run,
  sides: Sides,
  graceMs: number,
  signal: AbortSignal,
): Promise<ListedSuspects> {
  const { store, projectId } = context
  const { id } = run.report
  if (!(await planSegments(context, run, sides, signal))) throw new GivenBackError('another worker has it')
  await askForHelp(context, id)
  for (;;) {
    await workOnSegments(context, id, sides, signal)
    // before the results, or a segment that ends between the two is neither awaited nor among them
    const { unfinished } = await store.segments.open(projectId, id, limits.abandonedMs)
    const result = await store.segments.results(projectId, id, limits.suspectsMax)
    if (result.problem) throw new BrokenListingError(result.problem, listedOf(result, graceMs))
    if (unfinished === 0) return listedOf(result, graceMs)
    // others are at it
    await pause(limits.segmentPollMs, signal)
    signal.throwIfAborted()
  }
}

async function askForHelp(context: Context, id: string): Promise<void> {
  const { unattended } = await context.store.segments.open(context.projectId, id, limits.abandonedMs)
  if (unattended > 1) context.askForHelp(id, unattended - 1)
}

function listedOf({ counts, suspects, overflow, requests }: SegmentResult, graceMs: number): ListedSuspects {
  const candidates = suspects.map(({ key, kind, fields, source_state, seen_at }): Candidate => {
    const sinceMs = Date.parse(seen_at)
    const seen = { sourceState: source_state, sinceMs }
    return { key, kind, fields, tries: 0, failures: 0, dueMs: sinceMs + graceMs, seen }
  })
  return { candidates, overflow, counts: { ...counts, suspects: suspects.length + overflow }, requests }
}
