import type { StoredEvent } from '../contract/index.ts'
import { eventsOf, type StoredOf } from './events.ts'
import type { OperationHistory } from './history.ts'

/** An operation that ended, together with the operations that it called. */
export interface WholeOperation {
  readonly started: StoredOf<'operation_started'>
  readonly finished: StoredOf<'operation_finished'>
  /** This operation and every one below it. */
  readonly ids: ReadonlySet<string>
  /** Of all of these, what was produced before the end. */
  readonly writes: readonly StoredOf<'write'>[]
  readonly syncs: readonly StoredOf<'sync'>[]
  /** The systems that a called operation must reach by its own declaration, by its id. */
  readonly declaredBelow: ReadonlyMap<string, ReadonlySet<string>>
  /** Why nothing may be claimed from what is not here; undefined where absence is proof. */
  doubt(): string | undefined
}

/** Undefined until both ends of the operation are known.
 *
 *  Only what was produced before the end counts: the sequence is known to be whole up to there, and nothing
 *  says that what comes after the end is all that comes. */
export function wholeOperation(history: OperationHistory): WholeOperation | undefined {
  const [started] = eventsOf(history.events, 'operation_started')
  const [finished] = eventsOf(history.events, 'operation_finished')
  if (!started || !finished) return undefined
  const starts = eventsOf(history.family, 'operation_started')
  const ids = idsBelow(history.operationId, starts)
  const below =
    history.family.length === 0 ? NOTHING : history.family.filter((event) => ids.has(operationOf(event)))
  // most call nothing, and then what is sorted out already will do
  const all = below.length === 0 ? history.events : [...history.events, ...below]
  const before = <E extends StoredEvent>(events: readonly E[]) =>
    events.every(({ seq }) => seq < finished.seq) ? events : events.filter(({ seq }) => seq < finished.seq)
  return {
    started,
    finished,
    ids,
    writes: before(eventsOf(all, 'write')),
    syncs: before(eventsOf(all, 'sync')),
    declaredBelow: declaredBy(starts, ids, history.operationId),
    doubt: () => doubtOf(history, finished, ids, all),
  }
}

const NOTHING: readonly StoredEvent[] = []
const NOBODY: ReadonlyMap<string, ReadonlySet<string>> = new Map()

function declaredBy(
  starts: readonly StoredOf<'operation_started'>[],
  ids: ReadonlySet<string>,
  caller: string,
): ReadonlyMap<string, ReadonlySet<string>> {
  if (starts.length === 0) return NOBODY
  return new Map(
    starts
      .filter(({ operation_id }) => ids.has(operation_id) && operation_id !== caller)
      .map(({ operation_id, syncs = [] }) => [operation_id, new Set(syncs.map(({ system }) => system))]),
  )
}

function doubtOf(
  history: OperationHistory,
  finished: StoredOf<'operation_finished'>,
  ids: ReadonlySet<string>,
  all: readonly StoredEvent[],
): string | undefined {
  if (!history.complete) return 'Events of the operation are missing, dropped or still under way.'
  const isBefore = ({ seq }: StoredEvent) => seq < finished.seq
  const ends = [...eventsOf(all, 'operation_finished').filter(isBefore), finished]
  const starts = eventsOf(all, 'operation_started').filter(isBefore)
  const callsKnown = ends.every(
    ({ operation_id, calls = 0 }) =>
      starts.filter(({ parent_operation_id }) => parent_operation_id === operation_id).length >= calls,
  )
  if (!callsKnown) return 'What the operations that it called did is not at hand.'
  const ended = new Set(ends.map(({ operation_id }) => operation_id))
  const openBelow = [...ids].some((id) => !ended.has(id))
  // sent before the end, answered after it
  const lateAnswer = all.some(
    (event) => event.seq > finished.seq && event.monotonic_us <= finished.monotonic_us,
  )
  if ((finished.in_flight ?? 0) > 0 || openBelow || lateAnswer)
    return 'The operation ended while a call that it had begun was still unanswered.'
  return undefined
}

function idsBelow(operationId: string, starts: readonly StoredOf<'operation_started'>[]): Set<string> {
  const ids = new Set<string>().add(operationId)
  if (starts.length === 0) return ids
  // each round adds one level of calls; it ends because ids only grow and starts are finite
  for (let size = 0; size !== ids.size; ) {
    size = ids.size
    for (const { operation_id, parent_operation_id } of starts)
      if (parent_operation_id !== undefined && ids.has(parent_operation_id)) ids.add(operation_id)
  }
  return ids
}

function operationOf(event: StoredEvent): string {
  return event.kind === 'process_ended' ? '' : event.operation_id
}
