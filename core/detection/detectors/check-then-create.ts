import { eventsOf, type StoredOf, sameEntity } from '../events.ts'
import { hazardOf, onceEach } from '../hazard.ts'
import type { Detector } from '../history.ts'

type Read = StoredOf<'read'>
type Create = StoredOf<'write'> | StoredOf<'sync'>

/** A function looks whether something is there, finds nothing and creates it, with nothing to keep another call from
 *  doing the same in between. Primary: the function's name, the entity type and the system. */
export const checkThenCreate: Detector = {
  id: 'check-then-create',
  title: 'A function creates what it did not find, with nothing to keep another call from creating it too',
  needs: ['read'],
  reads: [
    'operation_started.name',
    'read.found',
    'read.system',
    'read.entity',
    'write.action',
    'write.outcome',
    'write.guard',
    'write.system',
    'write.entity',
  ],
  heeds: ['write.section', 'write.rows_over_limit', 'sync.idempotency_key', 'sync.unique_key'],
  detect(history) {
    const missed = eventsOf(history.events, 'read').filter(({ found }) => found === false)
    if (missed.length === 0) return []
    const creates: readonly Create[] = [
      ...eventsOf(history.events, 'write').filter(isUnguardedInsert),
      ...eventsOf(history.events, 'sync').filter(isUnkeyedCreate),
    ]
    return onceEach(
      creates.map((create) => {
        const read = missed.find((candidate) => isCheckOf(candidate, create))
        if (!read) return undefined
        const { entity, system } = create
        return hazardOf(history, 'check-then-create', {
          ...{ entity, system, severity: 'medium', fields: [], witness: [read, create] },
          does: `creates a ${entity.type} in ${system} because it found none: two calls at once create two`,
        })
      }),
    )
  },
}

function isUnguardedInsert(write: StoredOf<'write'>): boolean {
  return (
    write.action === 'create' &&
    write.outcome === 'ok' &&
    write.rows_over_limit === undefined &&
    write.section === undefined &&
    // a lock cannot be on a row that is not there
    (write.guard ?? 'serializable') !== 'serializable'
  )
}

function isUnkeyedCreate(sync: StoredOf<'sync'>): boolean {
  return (
    sync.action === 'create' &&
    sync.outcome === 'ok' &&
    sync.idempotency_key === undefined &&
    sync.unique_key === undefined
  )
}

function isCheckOf(read: Read, create: Create): boolean {
  return (
    read.system === create.system &&
    sameEntity(read.entity, create.entity) &&
    read.monotonic_us <= create.monotonic_us
  )
}
