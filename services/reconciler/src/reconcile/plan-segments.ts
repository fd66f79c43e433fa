import { commonOrder, cutRange, type KeyRange } from '@syncproof/core/comparison'
import type { Context } from '../context.ts'
import type { Run } from './list-suspects.ts'
import type { Sides } from './read-record.ts'

/** Takes a whole run apart, where it has not been. A worker that was killed may have done it: its segments stay, so that
 *  what they have found counts.
 *  @throws ListingError where a side cannot say how
 *  @returns false where another worker has the run */
export async function planSegments(
  context: Context,
  { report, fence }: Run,
  sides: Sides,
  signal: AbortSignal,
): Promise<boolean> {
  const { segments } = context.store
  const { planned } = await segments.open(context.projectId, report.id, 0)
  if (planned > 0) return true
  const plan = await planOf(sides, context.segmentRecords, signal)
  return segments.plan(context.projectId, report.id, fence, plan)
}

interface Plan {
  readonly ranges: readonly (KeyRange | null)[]
  readonly estimatedRecords: number | null
}

const WHOLE = [null]

async function planOf(
  { source, target, hashed }: Sides,
  segmentRecords: number,
  signal: AbortSignal,
): Promise<Plan> {
  const [ours, theirs] = await Promise.all([source.ranges?.(signal), target.ranges?.(signal)])
  const estimatedRecords = ours?.records ?? (await source.count?.(signal)) ?? theirs?.records ?? null
  const order = ours && theirs && commonOrder(ours.orders, theirs.orders)
  // what is staged is sorted as a whole
  if (ours === undefined || order === undefined || hashed || !source.ordered || !target.ordered) {
    return { ranges: WHOLE, estimatedRecords }
  }
  const boundaries = await ours.boundaries(order, segmentRecords, signal)
  const ranges = boundaries.length === 0 ? WHOLE : cutRange({ order, from: null, to: null }, boundaries)
  return { ranges, estimatedRecords }
}
