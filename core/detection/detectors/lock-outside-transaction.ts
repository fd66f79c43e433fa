import { committedOf, eventsOf, sameEntity } from '../events.ts'
import { hazardOf, onceEach } from '../hazard.ts'
import type { Detector } from '../history.ts'

/** A function locks a row outside of a transaction, where the lock is gone with the statement, and then writes the row
 *  as if it held it. Primary: the function's name, the entity type and the system. */
export const lockOutsideTransaction: Detector = {
  id: 'lock-outside-transaction',
  title: 'A function locks a row outside of a transaction, where the lock ends with the statement',
  needs: ['read'],
  reads: [
    'operation_started.name',
    'read.found',
    'read.lock',
    'read.transaction',
    'read.system',
    'read.entity',
    'write.outcome',
    'write.transaction',
    'write.system',
    'write.entity',
  ],
  heeds: ['write.rows_over_limit'],
  detect(history) {
    const locking = eventsOf(history.events, 'read').filter(
      (read) => read.found && read.lock?.in_transaction === false && read.transaction === 'none',
    )
    if (locking.length === 0) return []
    const writes = committedOf(history.events)
    return onceEach(
      locking.map((read) => {
        const { entity, system } = read
        const write = writes.find(
          (candidate) =>
            candidate.system === system &&
            sameEntity(candidate.entity, entity) &&
            candidate.monotonic_us > read.monotonic_us,
        )
        if (!write) return undefined
        return hazardOf(history, 'lock-outside-transaction', {
          ...{ entity, system, severity: 'high', fields: [], witness: [read, write] },
          does: `locks a ${entity.type} with ${read.lock?.mode} outside of a transaction: the lock is gone before it writes`,
        })
      }),
    )
  },
}
