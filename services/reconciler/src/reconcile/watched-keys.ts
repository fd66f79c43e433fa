import { DIVERGENCE_KINDS, FINDING_STATUSES, type Finding, type FindingKind } from '@syncproof/core/contract'
import type { Context } from '../context.ts'
import { eachFinding } from '../each-finding.ts'
import { limits } from '../limits.ts'
import type { Pair } from '../pairs.ts'

/** Findings about the state of a record, which a read of both sides can end. */
export const STATE_KINDS: readonly FindingKind[] = [...DIVERGENCE_KINDS, 'unknown-outcome', 'partial-write']

export function isComparisonFinding(finding: Finding): boolean {
  return DIVERGENCE_KINDS.some((kind) => kind === finding.kind)
}

/** Keys of the records that findings which are not over are about. A whole run reads them by key, because only
 *  a direct read of both sides may end a finding: that a listing does not show a record is no proof. */
export async function watchedKeys(context: Context, pair: Pair): Promise<ReadonlySet<string>> {
  const keys = new Set<string>()
  for (const kind of STATE_KINDS) {
    for (const status of FINDING_STATUSES) {
      if (status === 'resolved') continue
      const filter = { kind, status, entity_type: pair.entityType }
      for await (const finding of eachFinding(context, filter, limits.watchedMax - keys.size)) {
        if (finding.entity && concernsPair(finding, pair)) keys.add(finding.entity.id)
      }
    }
  }
  return keys
}

/** Several pairs may compare one entity type; a mismatch is ended by the pair that found it. */
export function concernsPair(finding: Finding, pair: Pair): boolean {
  return !isComparisonFinding(finding) || finding.details.pair === pair.name
}
