import { isToken, type StoredEvent } from '../contract/index.ts'
import { eventsOf, isCommitted, turnTo } from './events.ts'
import { versionLink } from './links.ts'

/** Events that cannot all be true. The one that was stored first stands. The others are kept, and counted as inconsistent
 *  telemetry of their process, and prove nothing. A true event that is taken for a wrong one hides a finding, so only
 *  what no app and no database can do counts. */

/** Within one operation: it started or ended twice, or ended before it started.
 *  @param events of one operation of one process, any order
 *  @returns groups of ids; of each group one can be true */
export function contradictionsWithin(events: readonly StoredEvent[]): readonly (readonly string[])[] {
  turnTo(events)
  const starts = eventsOf(events, 'operation_started')
  const ends = eventsOf(events, 'operation_finished')
  const groups: string[][] = []
  if (starts.length > 1) groups.push(starts.map(({ id }) => id))
  if (ends.length > 1) groups.push(ends.map(({ id }) => id))
  for (const end of ends) {
    const start = starts.find(({ seq, monotonic_us }) => end.seq < seq || end.monotonic_us < monotonic_us)
    if (start) groups.push([start.id, end.id])
  }
  return groups
}

/** The link of the version that a write's transaction alone can have made, under which other writes of it are found;
 *  undefined for other events. A version that the app counts up by itself can be made twice: that is a finding. */
export function madeVersion(event: StoredEvent): string | undefined {
  if (event.kind !== 'write' || !isCommitted(event) || event.version === undefined) return undefined
  return event.version.startsWith('xmin/') && isToken(event.version) ? versionLink(event.version) : undefined
}

/** Whether two writes that made one version are of two transactions, which cannot be. Within one operation a statement
 *  that two adapters saw may pass for two. */
export function madeTwice(a: StoredEvent, b: StoredEvent): boolean {
  if (a.kind !== 'write' || b.kind !== 'write' || a.operation_id === b.operation_id) return false
  const isSame = a.transaction === b.transaction && a.transaction !== 'none'
  return a.version === b.version && isCommitted(a) && isCommitted(b) && !isSame
}
