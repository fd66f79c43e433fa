import { detectionRules } from '@syncproof/core/detection'
import type { NeighbourRow } from '@syncproof/store'

const { linksOf, linksWanted, limits } = detectionRules

/** How the store finds the neighbours of an operation: what it asks about which one, and what comes of it. Operations
 *  are named by their place among those that were stored. */
export interface Search {
  readonly asked: readonly { readonly place: number; readonly hop: number }[]
  readonly neighbours: readonly number[]
}

/** As `loadNeighbours` of the store, on maps. @param stored in the order of their beginning */
export function searchAll(stored: readonly NeighbourRow[]): readonly Search[] {
  const byLink = new Map<string, number[]>()
  for (const [place, { events }] of stored.entries())
    for (const link of new Set(events.flatMap(linksOf))) {
      const found = byLink.get(link)
      if (found) found.push(place)
      else byLink.set(link, [place])
    }
  return stored.map((_, place) => search(place, stored, byLink))
}

function search(
  own: number,
  stored: readonly NeighbourRow[],
  byLink: ReadonlyMap<string, readonly number[]>,
): Search {
  const found = new Set<number>()
  const asked: { place: number; hop: number }[] = []
  let edge: readonly number[] = [own]
  for (let hop = 1; hop <= limits.hopsMax && edge.length > 0 && found.size < limits.neighboursMax; hop++) {
    const next = new Set<number>()
    for (const place of edge) {
      asked.push({ place, hop })
      for (const link of linksWanted(stored[place] ?? { events: [] }, hop))
        for (const near of nearest(byLink.get(link) ?? [], place)) next.add(near)
    }
    edge = [...next]
      .filter((place) => place !== own && !found.has(place))
      .sort((a, b) => a - b)
      .slice(0, limits.neighboursMax - found.size)
    for (const place of edge) found.add(place)
  }
  return { asked, neighbours: [...found] }
}

/** Those nearest in time, before and after. */
function nearest(places: readonly number[], own: number): readonly number[] {
  const before = places.filter((place) => place < own).slice(-limits.eventsPerLinkMax)
  return [...before, ...places.filter((place) => place > own).slice(0, limits.eventsPerLinkMax)]
}
