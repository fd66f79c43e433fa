import type { Protection } from '../contract/index.ts'
import { Instant } from './clocks.ts'
import { eventsOf, type StoredOf, sameEntity } from './events.ts'
import type { NeighbourHistory } from './history.ts'

/** One run of a declared section: from when to when its lock was held, by inner moments. */
export interface HeldSection {
  readonly entered: StoredOf<'section_entered'>
  readonly left: StoredOf<'section_left'>
  readonly from: Instant
  readonly until: Instant
}

/** Whether it keeps others out in time. Sections that check a version, or that the database serialises, may
 *  overlap: one of them is refused at its end. */
export function excludes(protection: Protection): boolean {
  return protection === 'row_lock' || protection === 'advisory_lock' || protection === 'external'
}

const NONE: readonly HeldSection[] = []

/** The sections of an operation. Both ends of each run are produced together, when the section is left: two ends that
 *  are not neighbours in the sequence may be of two runs, with the ends between them dropped. */
export function heldSections(operation: NeighbourHistory): readonly HeldSection[] {
  const entered = eventsOf(operation.events, 'section_entered')
  return entered.length === 0 ? NONE : pairUp(operation, entered)
}

/** Of an entity that many are in a section of, each operation is the neighbour of many others. */
const known = new WeakMap<NeighbourHistory, readonly HeldSection[]>()

/** The same, remembered. */
export function sectionsOfNeighbour(neighbour: NeighbourHistory): readonly HeldSection[] {
  const before = known.get(neighbour)
  if (before) return before
  const found = heldSections(neighbour)
  if (found.length > 0) known.set(neighbour, found)
  return found
}

function pairUp(
  { process, events }: NeighbourHistory,
  entered: readonly StoredOf<'section_entered'>[],
): readonly HeldSection[] {
  return eventsOf(events, 'section_left').flatMap((left) => {
    const begin = entered.find((candidate) => candidate.seq === left.seq - 1)
    if (!begin || !isSameRun(begin, left)) return []
    return [{ entered: begin, left, from: new Instant(process, begin), until: new Instant(process, left) }]
  })
}

function isSameRun(entered: StoredOf<'section_entered'>, left: StoredOf<'section_left'>): boolean {
  return (
    entered.name === left.name &&
    entered.protection === left.protection &&
    entered.transaction === left.transaction &&
    sameEntity(entered.entity, left.entity)
  )
}
