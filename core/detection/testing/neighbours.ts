import type { NeighbourHistory, OperationHistory } from '../history.ts'
import { detectionRules } from '../index.ts'

type Rules = Pick<typeof detectionRules, 'limits' | 'linksOf' | 'linksWanted'>

/** The neighbours of each history, found as a store finds them: by links alone, hop by hop. */
export function withNeighbours(
  histories: readonly OperationHistory[],
  rules: Rules = detectionRules,
): readonly OperationHistory[] {
  const byLink = new Map<string, Set<NeighbourHistory>>()
  for (const history of histories) {
    for (const link of history.events.flatMap(rules.linksOf)) {
      const found = byLink.get(link) ?? new Set()
      byLink.set(link, found.add(history))
    }
  }
  return histories.map((history) => ({ ...history, neighbours: neighboursOf(history, byLink, rules) }))
}

function neighboursOf(
  own: OperationHistory,
  byLink: ReadonlyMap<string, ReadonlySet<NeighbourHistory>>,
  { limits, linksWanted }: Rules,
): readonly NeighbourHistory[] {
  const found = new Set<NeighbourHistory>()
  let edge: readonly NeighbourHistory[] = [own]
  for (let hop = 1; hop <= limits.hopsMax && edge.length > 0; hop++) {
    const links = new Set(edge.flatMap((history) => linksWanted(history, hop)))
    const next = [...links].flatMap((link) => [...(byLink.get(link) ?? [])])
    edge = [...new Set(next)].filter((history) => history !== own && !found.has(history))
    for (const history of edge) if (found.size < limits.neighboursMax) found.add(history)
  }
  return [...found]
}
