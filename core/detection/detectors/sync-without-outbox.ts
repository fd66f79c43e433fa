import { committedOf, eventsOf, sameEntity } from '../events.ts'
import { hazardOf, onceEach } from '../hazard.ts'
import type { Detector } from '../history.ts'

/** A function commits and then calls the other system itself: a process that ends in between leaves the two split, and
 *  two calls at once can arrive there in the other order. Primary: the function's name, the entity type and the system. */
export const syncWithoutOutbox: Detector = {
  id: 'sync-without-outbox',
  title: 'A function commits and then calls the other system itself, with no outbox to remember it',
  needs: ['sync'],
  reads: [
    'operation_started.name',
    'write.outcome',
    'write.transaction',
    'write.entity',
    'write.duration_us',
    'sync.system',
    'sync.entity',
  ],
  heeds: ['operation_started.syncs', 'sync.on_behalf_of', 'write.rows_over_limit', 'write.system'],
  detect(history) {
    const writes = committedOf(history.events)
    if (writes.length === 0) return []
    const [started] = eventsOf(history.events, 'operation_started')
    const isByOutbox = (system: string) =>
      (started?.syncs ?? []).some((due) => due.async === true && due.system === system)
    return onceEach(
      eventsOf(history.events, 'sync').map((sync) => {
        const { entity, system } = sync
        if (sync.on_behalf_of !== undefined || isByOutbox(system)) return undefined
        const write = writes.findLast(
          (candidate) =>
            candidate.system !== system &&
            sameEntity(candidate.entity, entity) &&
            candidate.monotonic_us + (candidate.duration_us ?? Number.NaN) <= sync.monotonic_us,
        )
        if (!write) return undefined
        return hazardOf(history, 'sync-without-outbox', {
          ...{ entity, system, severity: 'low', fields: [], witness: [write, sync] },
          does: `commits a ${entity.type} and then calls ${system} itself: what ends in between leaves them split`,
        })
      }),
    )
  },
}
