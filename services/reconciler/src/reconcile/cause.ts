import type { Cause, EntityRef, StoredEvent } from '@syncproof/core/contract'
import type { Context } from '../context.ts'

export interface Explanation {
  readonly cause: Cause
  /** The last write and the syncs of the operation that wrote the record last. */
  readonly events: readonly StoredEvent[]
}

const OPERATIONS_READ = 100

/** Who wrote the record last, by the events. Empty where nobody reported a write or a sync of it: then the
 *  record was changed by a writer that reports nothing, or never. */
export async function explain(context: Context, entity: EntityRef): Promise<Explanation> {
  const events = await context.store.events.ofEntity(context.projectId, entity, 0)
  const last = lastOf(events, 'write') ?? lastOf(events, 'sync')
  if (last === undefined) return { cause: {}, events: [] }
  const operationId = last.operation_id
  const filter = { entity_type: entity.type, entity_id: entity.id }
  const { items } = await context.store.operations.list(context.projectId, filter, { limit: OPERATIONS_READ })
  const row = items.find((operation) => operation.operation_id === operationId)
  return {
    cause: {
      operation_id: operationId,
      operation: row?.name,
      service: row?.service,
      release: row?.release ?? undefined,
    },
    events: events.filter((event) => isOf(event, operationId)).toSorted((a, b) => a.seq - b.seq),
  }
}

type Effect = StoredEvent & { readonly kind: 'write' | 'sync' }

/** A rejected write or sync changed nothing, so it is not what made the record as it is. */
function lastOf(events: readonly StoredEvent[], kind: Effect['kind']): Effect | undefined {
  return events.findLast(
    (event): event is Effect => event.kind === kind && 'outcome' in event && event.outcome !== 'rejected',
  )
}

function isOf(event: StoredEvent, operationId: string): boolean {
  return (event.kind === 'write' || event.kind === 'sync') && event.operation_id === operationId
}
