import type { Cause, EntityRef } from '../contract/index.ts'
import { eventsOf } from './events.ts'
import type { NeighbourHistory } from './history.ts'

/** Who did it, as far as the history knows; what is not known is absent. */
export function causeOf(history: NeighbourHistory): Cause {
  const [started] = eventsOf(history.events, 'operation_started')
  return {
    operation_id: history.operationId,
    ...(started && { operation: started.name }),
    service: history.process.service,
    ...(history.process.release !== undefined && { release: history.process.release }),
    ...(started?.trace_id !== undefined && { trace_id: started.trace_id }),
  }
}

/** The wrapped function's name for a sentence. */
export function actorOf(cause: Cause): string {
  return cause.operation ?? 'An operation'
}

export function entityText(entity: EntityRef): string {
  return `${entity.type} ${entity.id}`
}
