import { partnerOf } from '../plan/round.ts'
import type { Change, Facts } from './facts.ts'

/** Pairs of committed operations each of which overwrote the version of a row that the other one had read, without
 *  having seen what the other one wrote: `first second`, in order. */
export function skewsOf(facts: Facts): string[] {
  const byRow = Map.groupBy(
    // a trigger's change of what its own statement had made is nobody's overwriting
    facts.changes.filter(({ statement, old }) => statement && old && old.updated_by !== statement.statement),
    ({ row }) => row,
  )
  const pairs = new Set<string>()
  for (const [row, changes] of byRow)
    for (const other of byRow.get(partnerOf(row)) ?? [])
      for (const change of changes) if (isSkew(facts, change, other)) pairs.add(pairOf(change, other))
  return [...pairs]
}

function isSkew(facts: Facts, one: Change, other: Change): boolean {
  const [first, second] = [one.statement, other.statement]
  if (!first || !second || first.root === second.root || one.transaction === other.transaction) return false
  return sawOnly(facts, first.root, other) && sawOnly(facts, second.root, one)
}

/** Whether this root read the version that `change` replaced, and nothing later of that row, which it did not write. */
function sawOnly(facts: Facts, root: string, { row, old }: Change): boolean {
  const lines = facts.linesOf(root)
  const seen = lines.filter((line) => line.what === 'read' && line.row === row)
  const wrote = facts.changes.some((change) => change.row === row && change.statement?.root === root)
  const versions = new Set(seen.map((line) => (line.what === 'read' ? line.values?.updated_by : undefined)))
  return !wrote && versions.size === 1 && versions.has(old?.updated_by)
}

function pairOf(one: Change, other: Change): string {
  return [one.statement?.root, other.statement?.root].sort().join(' ')
}
