import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** Brings the operations of newly judged events up to date: those of the lane after a position, in their order. Every event is judged once, so that the retries
 *  add up. Rows are written in the order of their keys: lanes that share an operation wait instead of deadlocking. */
export async function projectOperations(
  tx: Tx,
  lane: number,
  after: string,
  events: readonly { readonly id: string; readonly position: string }[],
): Promise<void> {
  const until = events.at(-1)?.position ?? after
  // as two constants: else the plan is made over every partition
  const ids = events.map(({ id }) => id).sort()
  const [first, last] = [ids.at(0), ids.at(-1)]
  await sql`
    insert into syncproof.operations as known (project_id, operation_id, process_id, root_operation_id,
      parent_operation_id, name,
      entity_type, entity_id, entity_hash, started_at, finished_at, outcome, retries, first_event_id, active_at, last_seq)
    select project_id, operation_id,
      (array_agg(process_id order by id))[1],
      (array_agg((payload->>'root_operation_id')::uuid order by id) filter (where kind = 'operation_started'))[1],
      (array_agg((payload->>'parent_operation_id')::uuid order by id) filter (where kind = 'operation_started'))[1],
      (array_agg(payload->>'name' order by id) filter (where kind = 'operation_started'))[1],
      (array_agg(entity_type order by id) filter (where kind = 'operation_started'))[1],
      (array_agg(entity_id order by id) filter (where kind = 'operation_started'))[1],
      (array_agg(entity_hash order by id) filter (where kind = 'operation_started'))[1],
      min(at) filter (where kind = 'operation_started'),
      min(at) filter (where kind = 'operation_finished'),
      (array_agg(payload->>'outcome' order by id) filter (where kind = 'operation_finished'))[1],
      count(*) filter (where case when kind in ('operation_started', 'sync') then (payload->>'attempt')::numeric > 1 end),
      (array_agg(id order by id))[1],
      max(received_at),
      max(seq)
    from syncproof.events
    where lane = ${lane} and position > ${after} and position <= ${until} and operation_id is not null
      and id >= ${first} and id <= ${last}
    group by project_id, operation_id
    order by project_id, operation_id
    on conflict (project_id, operation_id) do update set
      root_operation_id = coalesce(known.root_operation_id, excluded.root_operation_id),
      parent_operation_id = coalesce(known.parent_operation_id, excluded.parent_operation_id),
      name = coalesce(known.name, excluded.name),
      entity_type = coalesce(known.entity_type, excluded.entity_type),
      entity_id = coalesce(known.entity_id, excluded.entity_id),
      entity_hash = coalesce(known.entity_hash, excluded.entity_hash),
      started_at = coalesce(known.started_at, excluded.started_at),
      finished_at = coalesce(known.finished_at, excluded.finished_at),
      outcome = coalesce(known.outcome, excluded.outcome),
      retries = known.retries + excluded.retries,
      first_event_id = least(known.first_event_id, excluded.first_event_id),
      active_at = greatest(known.active_at, excluded.active_at),
      last_seq = greatest(known.last_seq, excluded.last_seq)`.execute(tx)
}
