import type { EntityRef, EventKind, StoredEvent } from '../contract/index.ts'

export type StoredOf<K extends EventKind> = Extract<StoredEvent, { readonly kind: K }>

/** The events of one operation, of each kind in their order, and the writes among them that are committed for sure. */
interface Sorted {
  readonly kinds: { readonly [K in EventKind]: readonly StoredOf<K>[] }
  /** The bits of the kinds that are there. */
  readonly bits: number
  committed: readonly StoredOf<'write'>[] | undefined
}

const BITS: { readonly [K in EventKind]: number } = {
  operation_started: 1,
  read: 2,
  write: 4,
  transaction_finished: 8,
  sync: 16,
  section_entered: 32,
  section_left: 64,
  operation_finished: 128,
  process_ended: 256,
  contract_violated: 512,
  invariant_violated: 1024,
}

/** Detectors ask for the same few of the same events, some forty times for each operation, and so does every operation
 *  whose neighbour it is, so that these are sorted out once. They are remembered until they are so many events, some steps
 *  of a store, and then forgotten together: to remember them as long as somebody else does (a WeakMap) costs more than to
 *  sort them out again. */
const REMEMBERED_EVENTS_MAX = 4_096
const remembered = new Map<readonly StoredEvent[], Sorted>()
let rememberedEvents = 0
let currentEvents: readonly StoredEvent[] | undefined
let current: Sorted | undefined

/** The next questions are about these events. */
export function turnTo(events: readonly StoredEvent[]): void {
  if (currentEvents === events) return
  current = remembered.get(events) ?? remember(events)
  currentEvents = events
}

/** The events of a kind, in their order. */
export function eventsOf<K extends EventKind>(
  events: readonly StoredEvent[],
  kind: K,
): readonly StoredOf<K>[] {
  return sorted(events).kinds[kind]
}

/** Writes that were committed for sure. */
export function committedOf(events: readonly StoredEvent[]): readonly StoredOf<'write'>[] {
  const own = sorted(events)
  own.committed ??= own.kinds.write.every(isCommitted) ? own.kinds.write : own.kinds.write.filter(isCommitted)
  return own.committed
}

/** One bit for each of these kinds. */
export function bitsOf(kinds: readonly EventKind[]): number {
  return kinds.reduce((bits, kind) => bits | BITS[kind], 0)
}

/** The bits of the kinds of which an event is there. */
export function bitsIn(events: readonly StoredEvent[]): number {
  return sorted(events).bits
}

function sorted(events: readonly StoredEvent[]): Sorted {
  return current && currentEvents === events ? current : (remembered.get(events) ?? remember(events))
}

function remember(events: readonly StoredEvent[]): Sorted {
  const own = sortOut(events)
  rememberedEvents += events.length
  if (rememberedEvents > REMEMBERED_EVENTS_MAX) {
    remembered.clear()
    rememberedEvents = events.length
  }
  remembered.set(events, own)
  return own
}

const NOTHING: readonly never[] = []

/** A switch takes half as long as a look-up by the name of the kind. Kinds that this release does not know are left out. */
function sortOut(events: readonly StoredEvent[]): Sorted {
  // the same members for all, whatever is there, so that every look-up is of one shape
  const kinds: { [K in EventKind]: readonly StoredOf<K>[] } = {
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
  }
  let bits = 0
  for (const event of events)
    switch (event.kind) {
      case 'operation_started':
        bits |= BITS.operation_started
        kinds.operation_started = also(kinds.operation_started, event)
        break
      case 'read':
        bits |= BITS.read
        kinds.read = also(kinds.read, event)
        break
      case 'write':
        bits |= BITS.write
        kinds.write = also(kinds.write, event)
        break
      case 'transaction_finished':
        bits |= BITS.transaction_finished
        kinds.transaction_finished = also(kinds.transaction_finished, event)
        break
      case 'sync':
        bits |= BITS.sync
        kinds.sync = also(kinds.sync, event)
        break
      case 'section_entered':
        bits |= BITS.section_entered
        kinds.section_entered = also(kinds.section_entered, event)
        break
      case 'section_left':
        bits |= BITS.section_left
        kinds.section_left = also(kinds.section_left, event)
        break
      case 'operation_finished':
        bits |= BITS.operation_finished
        kinds.operation_finished = also(kinds.operation_finished, event)
        break
      case 'process_ended':
        bits |= BITS.process_ended
        kinds.process_ended = also(kinds.process_ended, event)
        break
      case 'contract_violated':
        bits |= BITS.contract_violated
        kinds.contract_violated = also(kinds.contract_violated, event)
        break
      case 'invariant_violated':
        bits |= BITS.invariant_violated
        kinds.invariant_violated = also(kinds.invariant_violated, event)
        break
    }
  return { kinds, bits, committed: undefined }
}

function also<E>(alike: readonly E[], event: E): readonly E[] {
  if (alike.length === 0) return [event]
  ;(alike as E[]).push(event)
  return alike
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
