import { type DetectedFinding, type EntityRef, findingId } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { eventsOf, sameEntity } from '../events.ts'
import type { Detector, OperationHistory } from '../history.ts'
import { judgeSides, type Split } from '../split-sides.ts'
import { type WholeOperation, wholeOperation } from '../whole-operation.ts'

/** When the operation ended, its sides were split: the database committed, and a system that it had declared in
 *  `syncs` rejected the last attempt or was never sent anything; or that system acknowledged what the database
 *  rejected. Rests on absence, so it is claimed only of a complete history; else it is indeterminate.
 *  A system that an outbox serves (`async`) is not due when the operation ends.
 *  Primary: the operation's start, with the system and, where it is another, the entity. */
export const partialWrite: Detector = {
  id: 'partial-write',
  title: 'The database and an external system were left split when the operation ended',
  needs: ['operation_finished'],
  reads: [
    'operation_started.syncs',
    'operation_started.entity',
    'write.outcome',
    'write.transaction',
    'sync.outcome',
  ],
  heeds: [
    'operation_started.parent_operation_id',
    'operation_finished.calls',
    'operation_finished.in_flight',
    'write.system',
    'write.entity',
    'write.action',
    'write.version',
    'write.overwritten_version',
    'write.assigned',
    'write.fields',
    'write.base_fields',
    'write.overwritten_fields',
    'write.rows_over_limit',
    'write.duration_us',
    'sync.system',
    'sync.entity',
    'sync.action',
    'sync.version',
    'sync.fields',
    'sync.on_behalf_of',
  ],
  detect(history) {
    const systems = systemsDue(history)
    const whole = systems.length > 0 ? wholeOperation(history) : undefined
    if (!whole) return []
    const findings: DetectedFinding[] = []
    for (const system of systems) {
      if (wentWell(whole, system)) continue
      for (const entity of entitiesOf(whole, system)) {
        const split = judgeSides(whole, system, entity)
        if (split) findings.push(finding(history, whole, system, entity, split))
      }
    }
    return findings
  },
}

function systemsDue({ events }: OperationHistory): string[] {
  const syncs = eventsOf(events, 'operation_started')[0]?.syncs ?? []
  const isByOutbox = (system: string) => syncs.some((sync) => sync.async === true && sync.system === system)
  const due: string[] = []
  for (const { system } of syncs) if (!due.includes(system) && !isByOutbox(system)) due.push(system)
  return due.sort()
}

/** The database took every write, the system was sent something, and nobody rejected anything: so most operations end, and
 *  then the sides of no entity can be split (`judgeSides`). */
function wentWell({ writes, syncs }: WholeOperation, system: string): boolean {
  return (
    writes.every(({ outcome }) => outcome === 'ok') &&
    syncs.some((sync) => sync.system === system) &&
    !syncs.some(({ outcome }) => outcome === 'rejected')
  )
}

/** What the operation is about, and whatever else it tried to sync there. */
function entitiesOf(whole: WholeOperation, system: string): EntityRef[] {
  const synced = whole.syncs.filter((sync) => sync.system === system)
  return [whole.started.entity, ...synced.map((sync) => sync.entity)].filter(
    (entity, index, all) => all.findIndex((other) => sameEntity(entity, other)) === index,
  )
}

const SAID: Record<Split['how'], (system: string) => string> = {
  rejected: (system) => `and ${system} rejected it`,
  'never-sent': (system) => `and never sent it to ${system}`,
  'write-rejected': (system) => `was acknowledged by ${system}, and the database rejected the write`,
}

function finding(
  history: OperationHistory,
  whole: WholeOperation,
  system: string,
  entity: EntityRef,
  split: Split,
): DetectedFinding {
  const cause = causeOf(history)
  const { started, finished } = whole
  const own = sameEntity(entity, started.entity)
  const said = SAID[split.how](system)
  const who = `${actorOf(cause)}`
  return {
    id: findingId(
      'partial-write',
      JSON.stringify([started.id, system, ...(own ? [] : [entity.type, entity.id])]),
    ),
    kind: 'partial-write',
    verdict: split.doubt === undefined ? 'proven' : 'indeterminate',
    severity: 'high',
    entity,
    fields: split.fields,
    summary:
      split.how === 'write-rejected'
        ? `What ${who} sent of ${entityText(entity)} ${said}`
        : `${who} committed ${entityText(entity)} ${said}`,
    ...(split.doubt !== undefined && { reason: split.doubt }),
    cause,
    witness: {
      events: [started, ...callsOf(history, split), ...split.writes, ...split.syncs, finished].sort(
        (a, b) => a.seq - b.seq,
      ),
    },
    occurred_at: finished.at,
    details: { system, how: split.how },
  }
}

/** The starts that lead from this operation to each one that wrote or sent for it. */
function callsOf({ operationId, family }: OperationHistory, { writes, syncs }: Split) {
  const starts = eventsOf(family, 'operation_started')
  const ids = new Set([...writes, ...syncs].map(({ operation_id }) => operation_id))
  // each adds its caller, up to the operation itself
  for (const id of ids) {
    const caller = starts.find(({ operation_id }) => operation_id === id)?.parent_operation_id
    if (id !== operationId && caller !== undefined) ids.add(caller)
  }
  ids.delete(operationId)
  return starts.filter(({ operation_id }) => ids.has(operation_id))
}
