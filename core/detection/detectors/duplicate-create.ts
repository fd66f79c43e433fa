import { compareFingerprints, type DetectedFinding, findingId } from '../../contract/index.ts'
import { actorOf, causeOf, entityText } from '../cause.ts'
import { eventsOf, type StoredOf } from '../events.ts'
import type { Detector, OperationHistory } from '../history.ts'
import { isKeyedCreate } from '../links.ts'

type Sync = StoredOf<'sync'>

/** A system acknowledged two creates under one key that it should hold once, and named two different records. Whether
 *  both are still there only a read of both can say; until then it is indeterminate. Primary: the system and the key. */
export const duplicateCreate: Detector = {
  id: 'duplicate-create',
  title: 'A system made two records for one key that should be there once',
  needs: ['sync'],
  reads: ['sync.outcome', 'sync.action', 'sync.system', 'sync.unique_key', 'sync.external_id'],
  detect(history) {
    const own = createsOf(history)
    if (own.length === 0) return []
    const all = [...own, ...(history.neighbours ?? []).flatMap(createsOf)]
    const found = own.flatMap((sync) => {
      const same = all.filter((other) => isSameKey(sync, other))
      return same.some((other) => other.external_id !== sync.external_id)
        ? [finding(history, sync, same)]
        : []
    })
    return [...new Map(found.map((each) => [each.id, each])).values()]
  },
}

function createsOf({ events }: Pick<OperationHistory, 'events'>): readonly Sync[] {
  return eventsOf(events, 'sync').filter((sync) => sync.outcome === 'ok' && isKeyedCreate(sync))
}

function isSameKey(a: Sync, b: Sync): boolean {
  return (
    a.system !== undefined &&
    a.system === b.system &&
    compareFingerprints(a.unique_key ?? '', b.unique_key ?? '') === 'same'
  )
}

function finding(history: OperationHistory, sync: Sync, same: readonly Sync[]): DetectedFinding {
  // one create for each record, the first of them, whoever looks
  const byRecord = new Map(
    same.toSorted((a, b) => (a.id > b.id ? -1 : 1)).map((each) => [each.external_id, each]),
  )
  const creates = [...byRecord.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  const cause = causeOf(history)
  return {
    id: findingId('duplicate-create', JSON.stringify([sync.system, sync.unique_key])),
    kind: 'duplicate-create',
    verdict: 'indeterminate',
    severity: 'high',
    entity: sync.entity,
    fields: [],
    summary: `${actorOf(cause)} created ${entityText(sync.entity)} in ${sync.system}, which had made another record for the same key`,
    reason: 'Whether both records are still there has not been read.',
    cause,
    witness: { events: creates },
    occurred_at: creates.at(-1)?.at ?? sync.at,
    details: { system: sync.system, external_ids: creates.map(({ external_id }) => external_id) },
  }
}
