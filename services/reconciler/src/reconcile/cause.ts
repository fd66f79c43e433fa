import { type Divergent, type Explanation, explainDivergence } from '@syncproof/core/comparison'
import type { Cause, EntityRef, StoredEvent } from '@syncproof/core/contract'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'
import type { Pair } from '../pairs.ts'

/** Events of a record that an explanation is looked for in, the newest. */
const EVENTS_READ = 2_000
/** Processes that are asked whether anything of theirs is missing. */
const PROCESSES_READ = 2_000

export interface Explained {
  readonly cause: Cause
  readonly explanation: Explanation
}

/** Why the two systems differ on a record, by what is stored of it. */
export async function explain(
  context: Context,
  pair: Pair,
  entity: EntityRef,
  divergent: Divergent,
): Promise<Explained> {
  const { events, isAll } = await eventsOf(context, entity)
  const isWhole = isAll && (await areBooksClosed(context, events))
  const known = { events, isWhole, system: pair.config.system }
  const explanation = orLastWriter(explainDivergence(divergent, known), events)
  return { cause: await causeOf(context, entity, explanation, events), explanation }
}

/** Where nobody can say why, the operation that wrote the record last is the one to look at. */
function orLastWriter(explanation: Explanation, newest: readonly StoredEvent[]): Explanation {
  if (explanation.cause !== 'unknown' || explanation.operationId !== undefined) return explanation
  const effects = newest.filter((event) => event.kind === 'write' || event.kind === 'sync')
  // what was rejected changed nothing
  const applied = effects.filter(({ outcome }) => outcome !== 'rejected')
  const last = applied.find(({ kind }) => kind === 'write') ?? applied[0]
  if (last === undefined) return explanation
  const own = effects.filter((event) => event.operation_id === last.operation_id)
  return { ...explanation, operationId: last.operation_id, events: own.toSorted((a, b) => a.seq - b.seq) }
}

async function eventsOf(
  context: Context,
  entity: EntityRef,
): Promise<{ readonly events: readonly StoredEvent[]; readonly isAll: boolean }> {
  const events: StoredEvent[] = []
  let cursor: string | undefined
  while (events.length < EVENTS_READ) {
    const page = await context.store.events.timeline(context.projectId, entity, {
      cursor,
      limit: limits.pageSize,
    })
    events.push(...page.items)
    if (page.next_cursor === null) return { events, isAll: true }
    cursor = page.next_cursor
  }
  return { events, isAll: false }
}

/** Of every process that has told of the record nothing is missing. What is on its way is of no operation on the record: they
 *  were all told before its two sides were held against each other. */
async function areBooksClosed(context: Context, events: readonly StoredEvent[]): Promise<boolean> {
  const wanted = new Set(events.map(({ process_id }) => process_id))
  let cursor: string | undefined
  for (let read = 0; wanted.size > 0 && read < PROCESSES_READ; read += limits.pageSize) {
    const page = await context.store.processes.list(context.projectId, { cursor, limit: limits.pageSize })
    for (const { id, produced, dropped, unaccounted } of page.items) {
      const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0)
      if (wanted.delete(id) && (produced === null || lost + (unaccounted ?? 0) > 0)) return false
    }
    if (page.next_cursor === null) break
    cursor = page.next_cursor
  }
  return wanted.size === 0
}

/** The operation to ask about it. Where none did it, nobody is named. */
async function causeOf(
  context: Context,
  entity: EntityRef,
  { operationId }: Explanation,
  events: readonly StoredEvent[],
): Promise<Cause> {
  if (operationId === undefined) return {}
  const filter = { entity_type: entity.type, entity_id: entity.id }
  const { items } = await context.store.operations.list(context.projectId, filter, { limit: limits.pageSize })
  const row = items.find((operation) => operation.operation_id === operationId)
  const started = events
    .filter((event) => event.kind === 'operation_started')
    .find((event) => event.operation_id === operationId)
  return {
    operation_id: operationId,
    operation: row?.name ?? started?.name,
    service: row?.service,
    release: row?.release ?? undefined,
    trace_id: started?.trace_id,
  }
}
