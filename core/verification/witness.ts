import { eventSchemas } from '../contract/event-schema.ts'
import { type EntityRef, type EventKind, isMadeOfSpans, isUuid, type StoredEvent } from '../contract/index.ts'
import { isRecord } from './finding-input.ts'

export type EventOf<K extends EventKind> = Extract<StoredEvent, { readonly kind: K }>

/** The events of a witness, each with the shape that the contract gives it, and none in contradiction to another.
 *  @returns what is wrong with it, as a sentence of what must be */
export function readWitness(witness: unknown): readonly StoredEvent[] | string {
  const events = isRecord(witness) ? witness.events : undefined
  if (!Array.isArray(events) || events.length === 0) return 'The finding has a witness with events.'
  const broken = events.findIndex((event) => !isStoredEvent(event))
  if (broken !== -1) return `Event ${broken + 1} of the witness has the shape that the contract gives it.`
  return contradictionOf(events) ?? events
}

function isStoredEvent(event: unknown): event is StoredEvent {
  if (!isRecord(event) || typeof event.kind !== 'string' || !Object.hasOwn(eventSchemas, event.kind))
    return false
  const schema = eventSchemas[event.kind as EventKind]
  return typeof event.process_id === 'string' && isUuid(event.process_id) && schema.safeParse(event).success
}

/** What no two events of an SDK say, as a sentence of what must be. */
function contradictionOf(events: readonly StoredEvent[]): string | undefined {
  const unique = (names: readonly string[]) => new Set(names).size === names.length
  if (!unique(events.map(({ id }) => id))) return 'Each event of the witness has an id of its own.'
  // the numbers of spans are times
  const numbered = events.filter(({ process_id }) => !isMadeOfSpans(process_id))
  if (!unique(numbered.map(({ process_id, seq }) => `${process_id} ${seq}`)))
    return 'Each event of a process has a sequence number of its own.'
  const ran = new Set(events.map((event) => `${event.process_id} ${operationOf(event)}`))
  const operations = new Set(events.map(operationOf))
  const ends = events.some(({ kind }) => kind === 'process_ended')
  if (!ends && ran.size !== operations.size) return 'Each operation ran in one process.'
  const starts = of(events, 'operation_started')
  const isRoot = ({ operation_id, root_operation_id }: EventOf<'operation_started'>) =>
    operation_id === root_operation_id
  if (starts.some((start) => isRoot(start) !== (start.parent_operation_id === undefined)))
    return 'An operation is its own root where no other one called it, and only there.'
  const isFirst = (start: EventOf<'operation_started'>) =>
    events.every((event) => operationOf(event) !== start.operation_id || event.seq >= start.seq)
  return starts.every(isFirst) ? undefined : 'An operation starts before anything that it did.'
}

export function of<K extends EventKind>(events: readonly StoredEvent[], kind: K): readonly EventOf<K>[] {
  return events.filter((event): event is EventOf<K> => event.kind === kind)
}

/** Undefined for what belongs to a process and to no operation. */
function operationOf(event: StoredEvent): string | undefined {
  return event.kind === 'process_ended' ? undefined : event.operation_id
}

export function isSame(a: EntityRef, b: EntityRef | undefined): boolean {
  return a.type === b?.type && a.id === b.id
}

export function nameOf({ type, id }: EntityRef): string {
  return `${type} ${id}`
}
