import { ListingError } from '@syncproof/core/comparison'
import type { ClaimedSegment, Segment } from '@syncproof/store'
import { type Context, messageOf } from '../context.ts'
import { limits } from '../limits.ts'
import { SegmentComparison } from './compare-segment.ts'
import { whileAlive } from './keep-alive.ts'
import { closeSides, openSides, type Sides } from './read-record.ts'

/** Compares segments of a run, one after the other, until there is none that nobody works on, or one has shown that the
 *  run cannot tell.
 *  @throws the signal's reason where it is aborted: what was begun is given back */
export async function workOnSegments(
  context: Context,
  reportId: string,
  sides: Sides,
  signal: AbortSignal,
): Promise<void> {
  const { segments } = context.store
  for (;;) {
    signal.throwIfAborted()
    const claimed = await segments.claim(context.projectId, reportId, limits.abandonedMs)
    if (claimed === undefined || !(await workOn(context, sides, claimed, signal))) return
  }
}

/** @returns whether the others are worth it */
async function workOn(
  context: Context,
  sides: Sides,
  claimed: ClaimedSegment & { readonly segment: Segment },
  signal: AbortSignal,
): Promise<boolean> {
  const { segments } = context.store
  const comparison = new SegmentComparison(context, sides, claimed)
  const what = `segment ${claimed.number} of reconciliation ${claimed.reportId}`
  try {
    const say = () => segments.heartbeat(claimed, comparison.progress())
    const result = await whileAlive(context, what, say, signal, (alive) => comparison.run(alive))
    await segments.finish(claimed, result)
    return result.problem === null
  } catch (error) {
    await segments.release(claimed).catch((failure: unknown) => {
      context.log(`${what} could not be given back: ${messageOf(failure)}`)
    })
    throw error
  }
}

/** Helps the worker that has a report: compares segments that nobody works on yet. What keeps this process from it is no
 *  matter: the other goes on alone. */
export async function helpReport(context: Context, reportId: string, signal: AbortSignal): Promise<void> {
  const report = await context.store.reports.get(context.projectId, reportId)
  const pair = report?.state === 'running' ? context.pairs.get(report.pair) : undefined
  if (pair === undefined) return
  const { unattended } = await context.store.segments.open(context.projectId, reportId, limits.abandonedMs)
  if (unattended === 0) return
  try {
    const sides = await openSides(pair, context.fingerprintKey)
    try {
      await workOnSegments(context, reportId, sides, signal)
    } finally {
      await closeSides(sides)
    }
  } catch (error) {
    if (signal.aborted || error instanceof ListingError) return
    context.log(`reconciliation ${reportId} of ${pair.name} could not be helped: ${messageOf(error)}`)
  }
}
