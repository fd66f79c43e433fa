import { sql } from 'kysely'
import type { Database } from './database.ts'
import { getReport } from './report-lists.ts'
import type { Report } from './store.ts'

/** See `ReportStore.request`. */
export async function requestReport(
  db: Database,
  projectId: string,
  pair: string,
  trigger: Report['trigger'],
  keys: readonly string[] | null,
): Promise<Report | undefined> {
  // Sorted and unique, so that the same keys in another order are the same request.
  const wanted = keys && [...new Set(keys)].sort()
  const keysJson = wanted && JSON.stringify(wanted)
  for (;;) {
    const { rows } = await sql<{ id: string | null }>`
      with pair as (
        select name from syncproof.pairs where project_id = ${projectId} and name = ${pair} and configured),
      created as (
        insert into syncproof.reports (project_id, pair, trigger, keys)
        select ${projectId}, name, ${trigger}, ${keysJson}::jsonb from pair
        on conflict do nothing
        returning id)
      select coalesce((select id from created), (
        select id from syncproof.reports
        where project_id = ${projectId} and pair = name and trigger = ${trigger} and state = 'queued'
          and keys is not distinct from ${keysJson}::jsonb)) as id
      from pair`.execute(db)
    const [row] = rows
    if (!row) return undefined
    // Null: the queued one was claimed by a worker between the two looks. Then a new one can be queued.
    if (row.id !== null) return getReport(db, projectId, row.id)
  }
}

/** See `ReportStore.requestDue`. The pair's row is locked: the second of two askers sees what the first has queued. */
export async function requestDue(db: Database, projectId: string, pair: string): Promise<Report | undefined> {
  const id = await db.transaction().execute(async (tx) => {
    const { rows: pairs } = await sql<{ every_ms: string }>`
      select every_ms from syncproof.pairs
      where project_id = ${projectId} and name = ${pair} and configured and every_ms is not null
      for update`.execute(tx)
    const everyMs = pairs[0] && Number(pairs[0].every_ms)
    if (everyMs === undefined) return undefined
    const { rows } = await sql<{ id: string }>`
      insert into syncproof.reports (project_id, pair, trigger)
      select ${projectId}, ${pair}, 'schedule'
      where not exists (
        select from syncproof.reports
        where project_id = ${projectId} and pair = ${pair} and keys is null
          and (state <> 'finished' or requested_at > clock_timestamp() - make_interval(secs => ${everyMs / 1000})))
      on conflict do nothing
      returning id`.execute(tx)
    return rows[0]?.id
  })
  return id === undefined ? undefined : getReport(db, projectId, id)
}
