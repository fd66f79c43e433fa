import { type DetectedFinding, type EntityRef, findingId, type StoredEvent } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { eventsOf, type StoredOf, sameEntity } from '../events.ts'
import { compareField } from '../field-values.ts'
import type { Detector, OperationHistory } from '../history.ts'

type Write = StoredOf<'write'>
type Sync = StoredOf<'sync'>
type Commit = StoredOf<'transaction_finished'>

/** The `transaction` of a statement outside of one. */
const NO_TRANSACTION = 'none'

/** A Date reaches no farther. */
const TIME_MS_MAX = 8.64e15

/** A sync, a write or a commit whose answer never came, or does not say whether it was applied, and no later
 *  attempt of the same operation settled it. One finding for each system and entity synced, transaction, or
 *  write outside of one. Primary: the operation, with what was attempted, so that every attempt is the same finding. */
export const unknownOutcome: Detector = {
  id: 'unknown-outcome',
  title: 'Nobody knows yet whether it was applied',
  needs: ['sync', 'write', 'transaction_finished'],
  reads: ['sync.outcome'],
  heeds: [
    'sync.system',
    'sync.entity',
    'sync.fields',
    'write.outcome',
    'write.system',
    'write.action',
    'write.entity',
    'write.assigned',
    'write.fields',
    'write.transaction',
    'transaction_finished.outcome',
    'transaction_finished.transaction',
  ],
  detect(history) {
    const syncs = unknownSyncs(history)
    const writes = unknownWrites(history)
    return writes.length === 0 ? syncs : [...syncs, ...writes]
  },
}

function unknownSyncs(history: OperationHistory): DetectedFinding[] {
  const syncs = eventsOf(history.events, 'sync')
  if (!syncs.some(isUnknown)) return []
  const settling = [...syncs, ...eventsOf(history.family, 'sync')].filter((sync) => sync.outcome === 'ok')
  const open = syncs.filter(
    (sync) =>
      sync.outcome === 'unknown' && !settling.some((next) => next.seq > sync.seq && isSameSync(sync, next)),
  )
  const groups = Map.groupBy(open, ({ system, entity }) =>
    JSON.stringify(['sync', system, entity.type, entity.id]),
  )
  return [...groups].map(([key, attempts]) => {
    const system = attempts[0]?.system
    return finding(history, key, attempts, { what: 'sync', system, doubt: `whether ${system} applied it` })
  })
}

function isSameSync(a: Sync, b: Sync): boolean {
  return a.system === b.system && sameEntity(a.entity, b.entity)
}

function isUnknown({ outcome }: Sync | Write | Commit): boolean {
  return outcome === 'unknown'
}

function unknownWrites(history: OperationHistory): DetectedFinding[] {
  const transactions = eventsOf(history.events, 'transaction_finished')
  if (!eventsOf(history.events, 'write').some(isUnknown) && !transactions.some(isUnknown)) return []
  const writes = eventsOf(history.events, 'write').filter((write) => write.outcome !== 'rejected')
  const open = writes.filter(
    (write) =>
      write.outcome === 'unknown' && !writes.some((next) => next.seq > write.seq && repeats(write, next)),
  )
  const commits = transactions.filter(
    ({ outcome, transaction }) =>
      outcome === 'unknown' &&
      // all that it held was written again, and that is known
      (open.some((write) => write.transaction === transaction) ||
        !writes.some((write) => write.transaction === transaction)),
  )
  const groups = Map.groupBy<string, Write | Commit>([...open, ...commits], ({ transaction, id }) =>
    transaction === undefined || transaction === NO_TRANSACTION
      ? JSON.stringify(['write', id])
      : JSON.stringify(['commit', transaction]),
  )
  return [...groups].map(([key, events]) => {
    const system = eventsOf(events, 'write')[0]?.system
    const inTransaction = key.startsWith('["commit"')
    const what = inTransaction ? 'commit' : 'write'
    const doubt = `whether the database ${inTransaction ? 'committed' : 'applied'} it`
    return finding(history, key, events, { what, system, doubt })
  })
}

/** Written again with the same values, and this time it is known: the first try no longer matters. */
function repeats(write: Write, next: Write): boolean {
  return (
    next.outcome === 'ok' &&
    next.system === write.system &&
    next.action === write.action &&
    sameEntity(next.entity, write.entity) &&
    Object.entries(write.assigned)
      .filter(([, assignment]) => assignment !== 'last_write_wins')
      .every(([field]) => compareField(write.fields, next.fields, field) === 'same')
  )
}

function finding(
  history: OperationHistory,
  key: string,
  events: readonly (Write | Sync | Commit)[],
  { what, system, doubt }: { what: 'sync' | 'write' | 'commit'; system: string | undefined; doubt: string },
): DetectedFinding {
  const cause = causeOf(history)
  const entity = entityOf(history, events)
  const about = entity ? entityText(entity) : 'something'
  const did = what === 'sync' ? `sent ${about} to ${system}` : `wrote ${about}`
  return {
    id: findingId('unknown-outcome', `${history.operationId}\n${key}`),
    kind: 'unknown-outcome',
    verdict: 'indeterminate',
    severity: 'medium',
    ...(entity && { entity }),
    fields: [...new Set(events.flatMap(fieldsOf))].sort(),
    summary: `${actorOf(cause)} ${did} and does not know ${doubt}`,
    reason: 'No answer came, or one that does not say whether it was applied.',
    cause,
    witness: { events },
    occurred_at: events.at(-1)?.at ?? '',
    details: { what, ...(system !== undefined && { system }), ...sentAfter(history, what, events) },
  }
}

/** What is sent to the database gets the id of its transaction after this, on the collector's clock. Who asks the
 *  database about that id needs to know how old it can be. */
function sentAfter(
  { process }: OperationHistory,
  what: 'sync' | 'write' | 'commit',
  events: readonly StoredEvent[],
): { readonly sent_after?: string } {
  const [low] = process.clock?.offset_ms ?? []
  const ms = Math.min(...events.map((event) => Date.parse(event.at))) + (low ?? Number.NaN)
  if (what === 'sync' || !Number.isFinite(ms) || Math.abs(ms) > TIME_MS_MAX) return {}
  return { sent_after: new Date(ms).toISOString() }
}

function entityOf(history: OperationHistory, events: readonly StoredEvent[]): EntityRef | undefined {
  const [about] = [...eventsOf(events, 'sync'), ...eventsOf(events, 'write')]
  const [started] = eventsOf(history.events, 'operation_started')
  return about?.entity ?? started?.entity
}

function fieldsOf(event: Write | Sync | Commit): string[] {
  if (event.kind === 'sync') return Object.keys(event.fields)
  return event.kind === 'write' ? Object.keys(event.assigned) : []
}
