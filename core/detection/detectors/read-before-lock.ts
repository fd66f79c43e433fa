import { committedOf, eventsOf, type StoredOf, sameEntity } from '../events.ts'
import { hazardOf, onceEach } from '../hazard.ts'
import type { Detector } from '../history.ts'
import { valueFieldsOf } from '../value-fields.ts'

type Write = StoredOf<'write'>
type Read = StoredOf<'read'>

/** A function reads a row, then locks it without reading it again, and writes what it computed from the first
 *  read: the lock comes too late. Calls never overlap under the lock, and lose updates all the same.
 *  Primary: the function's name, the entity type and the system. */
export const readBeforeLock: Detector = {
  id: 'read-before-lock',
  title: 'A function computes from what it read before it locked the row',
  needs: ['write'],
  reads: [
    'operation_started.name',
    'read.found',
    'read.lock',
    'read.fields',
    'read.transaction',
    'read.system',
    'read.entity',
    'write.outcome',
    'write.transaction',
    'write.assigned',
    'write.system',
    'write.entity',
  ],
  heeds: ['write.rows_over_limit'],
  detect(history) {
    const reads = eventsOf(history.events, 'read').filter(({ found }) => found)
    if (!reads.some(({ lock }) => lock !== undefined)) return []
    return onceEach(
      committedOf(history.events).map((write) => {
        const stale = staleFields(write, reads)
        if (!stale) return undefined
        const { entity, system } = write
        return hazardOf(history, 'read-before-lock', {
          ...{
            entity,
            system,
            severity: 'high',
            fields: stale.fields,
            witness: [stale.read, stale.lock, write],
          },
          does: `computes from what it read of a ${entity.type} before it locked it: what changed in between is lost`,
        })
      }),
    )
  },
}

/** The fields that the write computed, that were read before the lock and by nobody since. */
function staleFields(write: Write, reads: readonly Read[]) {
  const ofRow = reads.filter(
    (read) =>
      read.system === write.system &&
      sameEntity(read.entity, write.entity) &&
      read.monotonic_us <= write.monotonic_us,
  )
  const lock = ofRow.find(
    (read) => read.lock?.in_transaction === true && read.transaction === write.transaction,
  )
  if (!lock) return undefined
  const since = ofRow.filter((read) => read.monotonic_us >= lock.monotonic_us)
  const before = ofRow.filter((read) => read.lock === undefined && read.monotonic_us < lock.monotonic_us)
  if (before.length === 0) return undefined
  const has = (read: Read, field: string) => Object.hasOwn(read.fields, field)
  const fields = valueFieldsOf(write).filter(
    (field) => before.some((read) => has(read, field)) && !since.some((read) => has(read, field)),
  )
  const read = before.findLast((candidate) => fields.some((field) => has(candidate, field)))
  return read && { fields, read, lock }
}
