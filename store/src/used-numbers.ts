import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { jsonb } from './sql-text.ts'

/** So many positions before an event are searched for the one that had its number first, over all lanes. Two programs that
 *  report as one do so at the same time; what a snapshot repeats after hours stays without a name. */
const LOOK_BACK_POSITIONS = 20_000

/** Notes which event had the number before, of new events of one lane that were marked for theirs when they were stored. */
export async function nameUsedNumbers(tx: Tx, projectId: string, newIds: ReadonlySet<string>): Promise<void> {
  // of the marks alone, of which there are nearly none: a plan that looks at events is made over every partition
  const { rows } = await sql<{ event_id: string }>`
    select event_id from syncproof.inconsistent_events
    where project_id = ${projectId} and event_id = any(${[...newIds]}::uuid[])
      and contradicts = 'sequence' and contradicted_id is null`.execute(tx)
  if (rows.length === 0) return
  const late = await lateEvents(
    tx,
    projectId,
    rows.map((row) => row.event_id),
  )
  const [first, last] = [late[0], late.at(-1)]
  if (first === undefined || last === undefined) return
  const after = BigInt(first.position) - BigInt(LOOK_BACK_POSITIONS)
  // one look through the lane, in its order, does for all of them
  await sql`
    with late as (
      select * from jsonb_to_recordset(${jsonb(late)})
        as given(id uuid, process_id uuid, seq bigint, position bigint)),
    earlier as materialized (
      select id, process_id, (payload->>'seq')::bigint as seq, position
      from syncproof.next_events(${first.lane}, ${after.toString()}, ${(BigInt(last.position) - after).toString()}::integer)
      where project_id = ${projectId} and process_id in (select process_id from late))
    update syncproof.inconsistent_events as marked
    set contradicted_id = stands.id
    from (
      select distinct on (late.id) late.id as late_id, earlier.id
      from late join earlier using (process_id, seq)
      where earlier.position < late.position and not exists (
        select from syncproof.inconsistent_events as known
        where known.project_id = ${projectId} and known.event_id = earlier.id)
      order by late.id, earlier.position) as stands
    where marked.project_id = ${projectId} and marked.event_id = stands.late_id`.execute(tx)
}

interface LateEvent {
  readonly id: string
  readonly lane: number
  readonly process_id: string
  readonly seq: string
  readonly position: string
}

/** Ascending by position. */
async function lateEvents(tx: Tx, projectId: string, ids: readonly string[]): Promise<readonly LateEvent[]> {
  const { rows } = await sql<LateEvent>`
    select event.lane, event.id, event.process_id, event.seq, event.position
    from unnest(${ids}::uuid[]) as marked(id)
    cross join lateral (
      select lane, id, process_id, seq, position from syncproof.events
      where project_id = ${projectId} and id = marked.id
      order by id limit 1) as event
    order by event.position`.execute(tx)
  return rows
}
