import type { Cause, EntityRef, StoredEvent } from '@syncproof/core/contract'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'

export interface Explanation {
  readonly cause: Cause
  /** Writes and syncs of the operation that wrote the record last. */
  readonly events: readonly StoredEvent[]
}

/** Operations on the record that are searched for the one that wrote it last. */
const OPERATIONS_READ = 100

type Effect = Extract<StoredEvent, { readonly kind: 'write' | 'sync' }>

/** Who wrote the record last, by its newest events. Empty where they tell of no write and no sync: then it was
 *  changed by a writer that reports nothing, or never. */
export async function explain(context: Context, entity: EntityRef): Promise<Explanation> {
  const page = { limit: limits.pageSize }
  const { items: newest } = await context.store.events.timeline(context.projectId, entity, page)
  const effects = newest.filter((event) => event.kind === 'write' || event.kind === 'sync')
  // what was rejected changed nothing
  const applied = effects.filter(({ outcome }) => outcome !== 'rejected')
  const last = applied.find(({ kind }) => kind === 'write') ?? applied[0]
  if (last === undefined) return { cause: {}, events: [] }
  const isOwn = (event: Effect) => event.operation_id === last.operation_id
  return {
    cause: await causeOf(context, entity, last, newest),
    events: effects.filter(isOwn).toSorted((a, b) => a.seq - b.seq),
  }
}

async function causeOf(
  context: Context,
  entity: EntityRef,
  { operation_id }: Effect,
  newest: readonly StoredEvent[],
): Promise<Cause> {
  const filter = { entity_type: entity.type, entity_id: entity.id }
  const page = { limit: OPERATIONS_READ }
  const { items } = await context.store.operations.list(context.projectId, filter, page)
  const row = items.find((operation) => operation.operation_id === operation_id)
  const started = newest
    .filter((event) => event.kind === 'operation_started')
    .find((event) => event.operation_id === operation_id)
  return {
    operation_id,
    operation: row?.name ?? started?.name,
    service: row?.service,
    release: row?.release ?? undefined,
    trace_id: started?.trace_id,
  }
}
