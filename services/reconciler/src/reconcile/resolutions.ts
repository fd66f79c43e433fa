import { DIVERGENCE_KINDS, type Finding, type FindingKind } from '@syncproof/core/contract'
import type { DetectionVerdicts } from '@syncproof/store'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'
import { entityOf, type Pair } from '../pairs.ts'
import { isLeftToReads } from '../settle/commit-fate.ts'
import type { RecheckResult } from './recheck-candidates.ts'
import { concernsPair, isComparisonFinding, STATE_KINDS } from './watched-keys.ts'

/** What this run's reads by key end: mismatches and partial writes of records that agree now, and unknown
 *  outcomes of records that agree or are reported as diverging. A finding that is newer than the read is left
 *  alone, and so is an unknown outcome that was within its grace then, or whose transaction may have been open: the
 *  write might have arrived later.
 *  @param hasOtherRules what is open was found by other rules of the pair
 *  @param renamed names that no record of the pair has any more, and all of its records were compared */
export async function resolutionsOf(
  context: Context,
  pair: Pair,
  result: RecheckResult,
  renamed: readonly string[],
  hasOtherRules: boolean,
): Promise<DetectionVerdicts['resolved']> {
  const at = new Date().toISOString()
  const resolved: { id: string; resolution: { at: string; why: string } }[] = []
  const end = (finding: Finding, why: string) => resolved.push({ id: finding.id, resolution: { at, why } })

  for await (const finding of openOf(context, pair, STATE_KINDS, [...result.agreed.keys()])) {
    const readMs = result.agreed.get(finding.entity?.id ?? '') ?? 0
    const isByRules = hasOtherRules && isComparisonFinding(finding)
    const over = whyOver(finding, pair, readMs)
    const why =
      over && isByRules
        ? 'The rules of the pair have changed: by them both systems agree on this record.'
        : over
    if (why) end(finding, why)
  }
  const diverging = result.diverging.map(({ key }) => key)
  const readAt = new Map(result.diverging.map(({ key, target }) => [key, Date.parse(target.observed_at)]))
  for await (const finding of openOf(context, pair, ['unknown-outcome'], diverging)) {
    if (!isLeftToReads(finding, readAt.get(finding.entity?.id ?? '') ?? 0)) continue
    end(finding, 'Settled: the two systems differ on a read after it, which is reported as a divergence.')
  }
  const now = new Map(result.diverging.map(({ key, kind }) => [key, kind]))
  for await (const finding of openOf(context, pair, STATE_KINDS, diverging)) {
    const kind = now.get(finding.entity?.id ?? '')
    if (!isComparisonFinding(finding) || finding.kind === kind) continue
    end(finding, `The record diverges in another way now: ${kind}.`)
  }
  for await (const finding of openOf(context, pair, DIVERGENCE_KINDS, renamed)) {
    end(
      finding,
      'Records of this pair are named otherwise now: what still differs is found under the new name.',
    )
  }
  return resolved
}

function whyOver(finding: Finding, pair: Pair, readMs: number): string | undefined {
  const seenMs = Date.parse(finding.last_seen_at)
  if (seenMs > readMs) return undefined
  if (finding.kind === 'unknown-outcome') {
    const settled = seenMs + pair.graceMs <= readMs && isLeftToReads(finding, readMs)
    return settled ? 'Settled: both systems agree on a read after it.' : undefined
  }
  if (finding.kind === 'partial-write') {
    return 'Repaired: both systems agree on this record now. The write was still split when it happened.'
  }
  return 'Repaired: both systems were read again and agree on this record.'
}

/** Findings of these records that are not over, and that this pair may end. */
async function* openOf(
  context: Context,
  pair: Pair,
  kinds: readonly FindingKind[],
  keys: readonly string[],
): AsyncGenerator<Finding> {
  for (let at = 0; at < keys.length; at += limits.pageSize) {
    const entities = keys.slice(at, at + limits.pageSize).map((key) => entityOf(pair, key))
    for (const finding of await context.store.findings.openOf(context.projectId, kinds, entities)) {
      if (concernsPair(finding, pair)) yield finding
    }
  }
}
