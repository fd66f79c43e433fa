import type { EntityRef, EventKind, StoredEvent } from '../contract/index.ts'

export type StoredOf<K extends EventKind> = Extract<StoredEvent, { readonly kind: K }>

export function eventsOf<K extends EventKind>(events: readonly StoredEvent[], kind: K): StoredOf<K>[] {
  return events.filter((event): event is StoredOf<K> => event.kind === kind)
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
