import type { EntityRef, EventKind, StoredEvent } from '../contract/index.ts'

export type StoredOf<K extends EventKind> = Extract<StoredEvent, { readonly kind: K }>

type ByKind = Partial<Record<EventKind, StoredEvent[]>>

/** Every detector asks for the same few kinds of the same history: they are sorted out once. */
const sorted = new WeakMap<readonly StoredEvent[], ByKind>()

const NOTHING: readonly never[] = Object.freeze([])

/** The events of a kind, in their order. */
export function eventsOf<K extends EventKind>(
  events: readonly StoredEvent[],
  kind: K,
): readonly StoredOf<K>[] {
  const byKind = sorted.get(events) ?? sortOut(events)
  return (byKind[kind] as StoredOf<K>[] | undefined) ?? NOTHING
}

function sortOut(events: readonly StoredEvent[]): ByKind {
  const byKind: ByKind = {}
  for (const event of events) {
    const own = byKind[event.kind]
    if (own) own.push(event)
    else byKind[event.kind] = [event]
  }
  sorted.set(events, byKind)
  return byKind
}

export function sameEntity(a: EntityRef, b: EntityRef): boolean {
  return a.type === b.type && a.id === b.id
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
