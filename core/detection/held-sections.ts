import type { Protection, StoredEvent } from '../contract/index.ts'
import { eventsOf, type StoredOf, sameEntity } from './events.ts'

/** One run of a declared section: from when to when its lock was held, by inner moments. */
export interface HeldSection {
  readonly entered: StoredOf<'section_entered'>
  readonly left: StoredOf<'section_left'>
}

/** Whether it keeps others out in time. Sections that check a version, or that the database serialises, may
 *  overlap: one of them is refused at its end. */
export function excludes(protection: Protection): boolean {
  return protection === 'row_lock' || protection === 'advisory_lock' || protection === 'external'
}

/** Both ends of each run. They are produced together, when the section is left: two ends that are not
 *  neighbours in the sequence may be of two runs, with the ends between them dropped. */
export function heldSections(events: readonly StoredEvent[]): readonly HeldSection[] {
  const entered = eventsOf(events, 'section_entered')
  if (entered.length === 0) return []
  return eventsOf(events, 'section_left').flatMap((left) => {
    const begin = entered.find((candidate) => candidate.seq === left.seq - 1)
    return begin && isSameRun(begin, left) ? [{ entered: begin, left }] : []
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
