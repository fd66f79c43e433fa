import { type DetectedFinding, findingId } from '../../contract/index.ts'
import { causeOf } from '../cause.ts'
import { eventsOf, type StoredOf, sameEntity } from '../events.ts'
import type { Detector, OperationHistory } from '../history.ts'

type Write = StoredOf<'write'>
type Read = StoredOf<'read'>

/** A function read a row, computed a value and wrote it back, and nothing kept another writer out in between.
 *  One call at a time shows it. Primary: the function's name, the entity type and the system, so that all
 *  calls are one finding. */
export const unguardedReadModifyWrite: Detector = {
  id: 'unguarded-read-modify-write',
  title: 'A function reads, computes and writes back with nothing to keep other writers out',
  needs: ['write'],
  detect(history) {
    const [started] = eventsOf(history.events, 'operation_started')
    if (!started) return []
    const reads = eventsOf(history.events, 'read')
    const findings = new Map<string, DetectedFinding>()
    for (const write of eventsOf(history.events, 'write')) {
      const read = isUnguarded(write) ? baseReadOf(write, reads) : undefined
      const found = read && finding(history, started.name, read, write)
      if (found && !findings.has(found.id)) findings.set(found.id, found)
    }
    return [...findings.values()]
  },
}

function isUnguarded(write: Write): boolean {
  return (
    write.guard === 'none' &&
    // a lock of another kind, held since before the read
    write.section?.base_read_inside !== true &&
    write.rows_over_limit === undefined &&
    valueFieldsOf(write).length > 0
  )
}

/** The read that the write derives from: the one that it names, or the last one before it where tokens are missing. */
function baseReadOf(write: Write, reads: readonly Read[]): Read | undefined {
  return reads
    .filter(
      (read) =>
        read.found &&
        read.system === write.system &&
        sameEntity(read.entity, write.entity) &&
        read.monotonic_us <= write.monotonic_us &&
        (write.base_version === undefined || read.version === write.base_version),
    )
    .at(-1)
}

function valueFieldsOf(write: Write): string[] {
  return Object.entries(write.assigned)
    .filter(([, assignment]) => assignment === 'value')
    .map(([field]) => field)
    .sort()
}

function finding(history: OperationHistory, name: string, read: Read, write: Write): DetectedFinding {
  const { system, entity } = write
  return {
    id: findingId('unguarded-read-modify-write', JSON.stringify([name, entity.type, system])),
    kind: 'unguarded-read-modify-write',
    verdict: 'hazard',
    severity: 'medium',
    fields: valueFieldsOf(write),
    summary: `${name} reads a ${entity.type} from ${system}, computes and writes it back unguarded: two calls at once lose an update`,
    cause: causeOf(history),
    witness: { events: [read, write] },
    occurred_at: write.at,
    details: { function: name, entity_type: entity.type, system },
  }
}
