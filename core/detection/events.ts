import type { EntityRef, EventKind, StoredEvent } from '../contract/index.ts'

export type StoredOf<K extends EventKind> = Extract<StoredEvent, { readonly kind: K }>

/** The events of one operation, of each kind in their order, and the writes among them that are committed for sure.
 *  Every detector asks for the same few of the same operation, its own or a neighbour's: they are sorted out once. */
interface Sorted extends Record<EventKind, readonly StoredEvent[]> {
  committed: readonly StoredOf<'write'>[] | undefined
}

const known = new WeakMap<readonly StoredEvent[], Sorted>()

/** What was asked about last, which is what is asked about next: the detectors take turns with one operation. */
let lastEvents: readonly StoredEvent[] | undefined
let lastSorted: Sorted | undefined

/** Never added to. */
const NOTHING: StoredEvent[] = []

/** The events of a kind, in their order. */
export function eventsOf<K extends EventKind>(
  events: readonly StoredEvent[],
  kind: K,
): readonly StoredOf<K>[] {
  return sorted(events)[kind] as readonly StoredOf<K>[]
}

/** Writes that were committed for sure. */
export function committedOf(events: readonly StoredEvent[]): readonly StoredOf<'write'>[] {
  const own = sorted(events)
  own.committed ??= (own.write as readonly StoredOf<'write'>[]).filter(isCommitted)
  return own.committed
}

function sorted(events: readonly StoredEvent[]): Sorted {
  if (lastSorted && lastEvents === events) return lastSorted
  lastSorted = known.get(events) ?? sortOut(events)
  lastEvents = events
  return lastSorted
}

function sortOut(events: readonly StoredEvent[]): Sorted {
  // the same members for all, whatever is there: they are read fifty times for each operation
  const own: Record<EventKind, StoredEvent[]> & Pick<Sorted, 'committed'> = {
    operation_started: NOTHING,
    read: NOTHING,
    write: NOTHING,
    transaction_finished: NOTHING,
    sync: NOTHING,
    section_entered: NOTHING,
    section_left: NOTHING,
    operation_finished: NOTHING,
    process_ended: NOTHING,
    contract_violated: NOTHING,
    invariant_violated: NOTHING,
    committed: undefined,
  }
  for (const event of events) {
    const alike = own[event.kind]
    if (alike === NOTHING) own[event.kind] = [event]
    // a kind that this release does not know may be called as anything is, `constructor` too
    else if (Array.isArray(alike)) alike.push(event)
  }
  known.set(events, own)
  return own
}

export function sameEntity(a: EntityRef, b: EntityRef): boolean {
  return a.type === b.type && a.id === b.id
}

/** Whether an event of one of these kinds is there. */
export function hasAny(events: readonly StoredEvent[], kinds: readonly EventKind[]): boolean {
  const own = sorted(events)
  for (const kind of kinds) if (own[kind].length > 0) return true
  return false
}

/** Committed for sure, as one row: all that a write must be before it proves anything. */
export function isCommitted(write: StoredOf<'write'>): boolean {
  return write.outcome === 'ok' && write.transaction !== undefined && write.rows_over_limit === undefined
}

/** The item that ranks highest, the later one of equals. */
export function lastBy<T>(items: readonly T[], rank: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (last, item) => (last === undefined || rank(item) >= rank(last) ? item : last),
    undefined,
  )
}
