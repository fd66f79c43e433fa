import { findingId, type StoredEvent } from '../../contract/index.ts'
import { causeOf, entityText } from '../cause.ts'
import { eventsOf } from '../events.ts'
import type { Detector } from '../history.ts'

/** An operation began and its process ended before it did. Rests on absence: proven only where every event from its
 *  beginning to the end of the process is stored. Primary: the operation's start. */
export const orphanedOperation: Detector = {
  id: 'orphaned-operation',
  title: 'An operation began, and its process ended before it did',
  needs: ['operation_started'],
  reads: ['operation_started.name', 'operation_started.entity', 'process_ended.last_seq'],
  heeds: ['write.outcome', 'sync.outcome'],
  detect(history) {
    const { processEnd } = history
    if (!processEnd) return []
    const [started] = eventsOf(history.events, 'operation_started')
    if (!started?.name || !started.entity || processEnd.event.last_seq === undefined) return []
    if (history.events.some(({ kind }) => kind === 'operation_finished')) return []
    const cause = causeOf(history)
    const { event, whole } = processEnd
    return [
      {
        id: findingId('orphaned-operation', started.id),
        kind: 'orphaned-operation',
        verdict: whole ? 'proven' : 'indeterminate',
        severity: didAnything(history.events) ? 'high' : 'low',
        entity: started.entity,
        fields: [],
        summary: `${started.name} began with ${entityText(started.entity)} and did not end before its process did`,
        ...(!whole && {
          reason: 'Events of the process are missing: the end of the operation may be among them.',
        }),
        cause,
        witness: { events: [...history.events, event] },
        occurred_at: event.at,
        details: { last_seq: event.last_seq },
      },
    ]
  },
}

/** Who ended after it may have changed a system may have left it half changed. */
function didAnything(events: readonly StoredEvent[]): boolean {
  return events.some(
    (event) => (event.kind === 'write' || event.kind === 'sync') && event.outcome !== 'rejected',
  )
}
