import { sql } from 'kysely'
import type { Database } from './database.ts'
import type { Contradicted, EventDoubts, InconsistencyStore } from './store.ts'

export function inconsistencyStore(db: Database): InconsistencyStore {
  return { doubts: (projectId, eventIds) => doubtsOf(db, projectId, eventIds) }
}

async function doubtsOf(
  db: Database,
  projectId: string,
  eventIds: readonly string[],
): Promise<ReadonlyMap<string, EventDoubts>> {
  if (eventIds.length === 0) return new Map()
  const { rows } = await sql<{
    event_id: string
    contradicts: Exclude<Contradicted, 'content'> | null
    contradicted_id: string | null
    copies: string | null
    differs: readonly string[] | null
  }>`
    with marked as (
      select event_id, contradicts, contradicted_id from syncproof.inconsistent_events
      where project_id = ${projectId} and event_id = any(${eventIds}::uuid[])),
    copied as (
      select event_id, count(distinct content_hash) as copies, array_agg(distinct name order by name) as differs
      from syncproof.inconsistent_copies, unnest(differs) as name
      where project_id = ${projectId} and event_id = any(${eventIds}::uuid[])
      group by event_id)
    select event_id, contradicts, contradicted_id, copies, differs
    from marked full join copied using (event_id)`.execute(db)
  return new Map(
    rows.map(({ event_id, contradicts, contradicted_id, copies, differs }): [string, EventDoubts] => [
      event_id,
      {
        ...(contradicts && { inconsistent: { contradicts, event_id: contradicted_id } }),
        ...(copies && { inconsistent_copies: { count: Number(copies), differs: differs ?? [] } }),
      },
    ]),
  )
}
