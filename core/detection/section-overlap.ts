import { type Gap, gapBetween, wasSetBetween, weakerBasis } from './clocks.ts'
import { sameEntity } from './events.ts'
import { excludes, type HeldSection } from './held-sections.ts'
import { inDifferentTransactions, instantOf, isApart, type Run } from './runs.ts'

export interface RunSection extends HeldSection {
  readonly run: Run
}

/** By how much two runs of one section were surely held at once; undefined where they were not, where they need not
 *  keep each other out, or where nobody knows. */
export function overlapOf(a: RunSection, b: RunSection): Gap | undefined {
  if (!isApart(a.run, b.run) || !keepEachOtherOut(a, b)) return undefined
  const first = gapBetween(instantOf(a.run, a.entered), instantOf(b.run, b.left))
  const second = gapBetween(instantOf(b.run, b.entered), instantOf(a.run, a.left))
  if (!first || !second) return undefined
  const basis = weakerBasis(first, second)
  if (basis === 'wall' && (isTorn(a) || isTorn(b))) return undefined
  // one that lies within the other shares all of itself, and no more
  return { us: Math.min(first.us, second.us, lengthUs(a), lengthUs(b)), basis }
}

function keepEachOtherOut(a: RunSection, b: RunSection): boolean {
  const [mine, theirs] = [a.entered, b.entered]
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

function lengthUs({ entered, left }: RunSection): number {
  return left.monotonic_us - entered.monotonic_us
}

function isTorn({ run, entered, left }: RunSection): boolean {
  return wasSetBetween(instantOf(run, entered), instantOf(run, left))
}
