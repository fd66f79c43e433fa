import type { Cause, EntityRef } from '../contract/index.ts'
import { eventsOf } from './events.ts'
import type { NeighbourHistory } from './history.ts'

/** Who did it, as far as the history knows; what is not known is absent. */
export function causeOf(history: NeighbourHistory): Cause {
  const [started] = eventsOf(history.events, 'operation_started')
  const { operationId: operation_id, process } = history
  const { service, release } = process
  const cause: { -readonly [K in keyof Cause]: Cause[K] } = started
    ? { operation_id, operation: started.name, service }
    : { operation_id, service }
  if (release !== undefined) cause.release = release
  if (started?.trace_id !== undefined) cause.trace_id = started.trace_id
  return cause
}

/** The wrapped function's name for a sentence. */
export function actorOf(cause: Cause): string {
  return cause.operation ?? 'An operation'
}

export function entityText(entity: EntityRef): string {
  return `${entity.type} ${entity.id}`
}
