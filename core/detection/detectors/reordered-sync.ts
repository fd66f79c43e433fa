import { type DetectedFinding, findingId, type StoredEvent } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { WALL_CLOCK_DOUBT } from '../clocks.ts'
import { eventsOf, sameEntity } from '../events.ts'
import { compareField } from '../field-values.ts'
import type { Detector, OperationHistory } from '../history.ts'
import { type MadeVersion, madeVersions, successions } from '../row-order.ts'
import { isApart, runsOf } from '../runs.ts'
import { type Applied, appliedAfter, appliedSyncs, type Order, sentVersions } from '../sync-order.ts'

/** Two versions of a row were sent to another system, and the older one was applied last, so that it stands there.
 *  Versions are ordered by the chain of what each write replaced; the applying by the system's own revisions, or by the
 *  one having been answered before the other was sent. Primary: the two syncs. */
export const reorderedSync: Detector = {
  id: 'reordered-sync',
  title: 'An older version of a record was applied over a newer one',
  needs: ['sync', 'write'],
  reads: [
    'operation_started.root_operation_id',
    'write.entity',
    'write.outcome',
    'write.transaction',
    'write.version',
    'write.overwritten_version',
    'write.fields',
    'sync.system',
    'sync.entity',
    'sync.outcome',
    'sync.fields',
    'sync.external_version',
    'sync.external_ordered',
  ],
  heeds: [
    'operation_started.parent_operation_id',
    'operation_finished.calls',
    'operation_finished.in_flight',
    'sync.version',
    'sync.action',
    'sync.on_behalf_of',
    'sync.external_id',
    'sync.duration_us',
    'sync.attempt',
    'sync.idempotency_key',
    'write.action',
    'write.rows_over_limit',
    'write.system',
  ],
  detect(history) {
    if (!history.neighbours || history.neighbours.length === 0) return []
    if (!hasTwoSides(history.events, history.neighbours)) return []
    const runs = runsOf(history)
    const sent = sentVersions(runs)
    if (sent.length < 2) return []
    const made = madeVersions(runs)
    const applied = appliedSyncs(sent, made)
    if (applied.size < 2) return []
    const findings: DetectedFinding[] = []
    for (const { older, newer, via } of successions(made, applied)) {
      if (!isApart(older.run, newer.run)) continue
      const isOwnRow = [older, newer, ...via].some(({ run }) => run.operationId === history.operationId)
      for (const last of applied.get(older) ?? [])
        for (const first of applied.get(newer) ?? []) {
          // a pair of which this operation is no part is found when one of its own is judged
          const isOwn = isOwnRow || isBy(last, history) || isBy(first, history)
          const order = isOwn && isSameTarget(last, first) ? appliedAfter(last, first) : undefined
          const fields = order ? changedFields(last, first) : []
          if (order && fields.length > 0) findings.push(finding(last, first, via, order, fields))
        }
    }
    return findings
  },
}

/** Whether there are two syncs and two writes at all. Most have fewer. */
function hasTwoSides(
  own: readonly StoredEvent[],
  neighbours: readonly Pick<OperationHistory, 'events'>[],
): boolean {
  let syncs = eventsOf(own, 'sync').length
  let writes = eventsOf(own, 'write').length
  for (const { events } of neighbours) {
    syncs += eventsOf(events, 'sync').length
    writes += eventsOf(events, 'write').length
  }
  return syncs > 1 && writes > 1
}

function isBy({ run }: Applied, { operationId }: OperationHistory): boolean {
  return run.operationId === operationId
}

function isSameTarget(a: Applied, b: Applied): boolean {
  return (
    a.sync.system === b.sync.system &&
    a.sync.system !== undefined &&
    sameEntity(a.sync.entity, b.sync.entity) &&
    sameEntity(a.made.write.entity, b.made.write.entity) &&
    (a.sync.external_id === b.sync.external_id ||
      a.sync.external_id === undefined ||
      b.sync.external_id === undefined)
  )
}

/** What the two payloads say differently, each as its row says it: other members may have come from elsewhere. */
function changedFields(older: Applied, newer: Applied): string[] {
  const isOfRow = ({ sync, made }: Applied, field: string) =>
    compareField(sync.fields, made.write.fields, field) === 'same'
  return Object.keys(older.sync.fields)
    .filter((field) => compareField(older.sync.fields, newer.sync.fields, field) === 'different')
    .filter((field) => isOfRow(older, field) && isOfRow(newer, field))
    .sort()
}

function finding(
  older: Applied,
  newer: Applied,
  via: readonly MadeVersion[],
  order: Order,
  fields: readonly string[],
): DetectedFinding {
  const cause = causeOf(older.run)
  const { entity, system } = older.sync
  const isProven = order !== 'wall'
  const events = [
    newer.made.run.started,
    newer.made.write,
    newer.sync,
    older.made.run.started,
    older.made.write,
  ]
  return {
    id: findingId('reordered-sync', JSON.stringify([older.sync.id, newer.sync.id])),
    kind: 'reordered-sync',
    verdict: isProven ? 'proven' : 'indeterminate',
    severity: 'high',
    entity,
    fields,
    summary: `${actorOf(cause)} brought ${system} an older version of ${entityText(entity)} after a newer one was there`,
    ...(!isProven && { reason: WALL_CLOCK_DOUBT }),
    cause,
    witness: {
      events: [...events, older.sync, ...via.map(({ write }) => write), ...[newer, older].flatMap(senderOf)],
    },
    occurred_at: older.sync.at,
    details: { system, order },
  }
}

/** What tells that the one version which an operation made is the one that the sync carries, or that who sent it and who
 *  made it are of one call. */
function senderOf({ run, sync, made }: Applied): readonly StoredEvent[] {
  if (sync.version === undefined) return eventsOf(made.run.events, 'operation_finished')
  return sync.on_behalf_of === undefined && run.operationId !== made.run.operationId ? [run.started] : []
}
