import { eventsOf, type StoredOf, sameEntity } from '../events.ts'
import { hazardOf, onceEach } from '../hazard.ts'
import type { Detector } from '../history.ts'
import { valueFieldsOf } from '../value-fields.ts'

type Write = StoredOf<'write'>
type Read = StoredOf<'read'>

/** A function read a row, computed a value and wrote it back, and nothing kept another writer out in between.
 *  One call at a time shows it. Primary: the function's name, the entity type and the system, so that all
 *  calls are one finding. */
export const unguardedReadModifyWrite: Detector = {
  id: 'unguarded-read-modify-write',
  title: 'A function reads, computes and writes back with nothing to keep other writers out',
  needs: ['write'],
  reads: [
    'operation_started.name',
    'read.found',
    'read.system',
    'read.entity',
    'write.system',
    'write.entity',
    'write.guard',
    'write.assigned',
  ],
  heeds: ['read.version', 'write.base_version', 'write.section', 'write.rows_over_limit'],
  detect(history) {
    const reads = eventsOf(history.events, 'read')
    if (reads.length === 0) return []
    return onceEach(
      eventsOf(history.events, 'write').map((write) => {
        const read = isUnguarded(write) ? baseReadOf(write, reads) : undefined
        if (!read) return undefined
        const { entity, system } = write
        return hazardOf(history, 'unguarded-read-modify-write', {
          ...{ entity, system, severity: 'medium', fields: valueFieldsOf(write), witness: [read, write] },
          does: `reads a ${entity.type} from ${system}, computes and writes it back unguarded: two calls at once lose an update`,
        })
      }),
    )
  },
}

function isUnguarded(write: Write): boolean {
  return (
    write.guard === 'none' &&
    // a lock of another kind, held since before the read
    write.section?.base_read_inside !== true &&
    write.rows_over_limit === undefined &&
    Object.values(write.assigned).includes('value')
  )
}

/** The read that the write derives from: the one that it names, or the last one before it where tokens are missing. */
function baseReadOf(write: Write, reads: readonly Read[]): Read | undefined {
  return reads.findLast(
    (read) =>
      read.found &&
      read.system === write.system &&
      sameEntity(read.entity, write.entity) &&
      read.monotonic_us <= write.monotonic_us &&
      (write.base_version === undefined || read.version === write.base_version),
  )
}
