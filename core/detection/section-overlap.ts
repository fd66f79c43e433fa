import { type EntityRef, tokensComparable } from '../contract/index.ts'
import { type Gap, gapBetween, wasSetBetween, weakerBasis } from './clocks.ts'
import { eventsOf, sameEntity } from './events.ts'
import { excludes, type HeldSection } from './held-sections.ts'
import type { NeighbourHistory } from './history.ts'
import { inDifferentTransactions } from './runs.ts'

/** By how much two runs of one section, of two operations that are apart, were surely held at once; undefined where they
 *  were not, where they need not keep each other out, or where nobody knows. */
export function overlapOf(a: HeldSection, b: HeldSection): Gap | undefined {
  if (!keepEachOtherOut(a, b)) return undefined
  const first = gapBetween(a.from, b.until)
  const second = first && gapBetween(b.from, a.until)
  if (!first || !second) return undefined
  const basis = weakerBasis(first, second)
  if (basis === 'wall' && (isTorn(a) || isTorn(b))) return undefined
  // one that lies within the other shares all of itself, and no more
  return { us: Math.min(first.us, second.us, lengthUs(a), lengthUs(b)), basis }
}

/** Whether what two operations read or wrote of an entity is surely of two rows: two databases may use the same ids. */
export function isOfTwoRows(a: NeighbourHistory, b: NeighbourHistory, entity: EntityRef): boolean {
  const [mine, theirs] = [versionsOf(a, entity), versionsOf(b, entity)]
  if (mine.length === 0 || theirs.length === 0) return false
  return !mine.some((token) => theirs.some((other) => tokensComparable(token, other)))
}

function versionsOf({ events }: NeighbourHistory, entity: EntityRef): string[] {
  const seen = [...eventsOf(events, 'read'), ...eventsOf(events, 'write')]
  return seen.flatMap((event) => (sameEntity(event.entity, entity) ? (event.version ?? []) : []))
}

function keepEachOtherOut({ entered: mine }: HeldSection, { entered: theirs }: HeldSection): boolean {
  return (
    mine.name === theirs.name &&
    mine.protection === theirs.protection &&
    excludes(mine.protection) &&
    sameEntity(mine.entity, theirs.entity) &&
    // a lock of the database lets its own transaction in again; one outside of it knows of no transaction
    (mine.protection === 'external'
      ? mine.transaction === undefined ||
        mine.transaction !== theirs.transaction ||
        mine.transaction === 'none'
      : inDifferentTransactions(mine.transaction, theirs.transaction))
  )
}

function lengthUs({ from, until }: HeldSection): number {
  return until.monotonicUs - from.monotonicUs
}

function isTorn({ from, until }: HeldSection): boolean {
  return wasSetBetween(from, until)
}
