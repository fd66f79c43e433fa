import type { EntityRef } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'

/** Reports of pairs that compare entities of a type: their records are called by the ids. */
function ofType(projectId: string, type: string) {
  return sql`reports.project_id = ${projectId} and reports.pair in (
    select name from syncproof.pairs where project_id = ${projectId} and entity_type = ${type})`
}

/** Takes the running reports away from their workers, which may hold what they have read of the entity: each is begun anew
 *  by whoever claims it next. One that was only asked for, by the entity's name among others, is taken back. */
export async function restartReports(tx: Tx, projectId: string, { type, id }: EntityRef): Promise<void> {
  await sql`
    update syncproof.reports set fence = fence + 1
    where ${ofType(projectId, type)} and state = 'running'`.execute(tx)
  await sql`
    delete from syncproof.report_segments as segment using syncproof.reports
    where ${ofType(projectId, type)} and segment.project_id = reports.project_id and segment.report_id = reports.id`.execute(
    tx,
  )
  await sql`
    delete from syncproof.reports
    where ${ofType(projectId, type)} and state = 'queued' and keys ? ${id}`.execute(tx)
}

/** Removes what reports say of the record, and its name from the keys that were asked for. How many had diverged stays.
 *  @returns how many divergences were removed */
export async function eraseFromReports(tx: Tx, projectId: string, { type, id }: EntityRef): Promise<number> {
  await sql`
    update syncproof.reports set keys = keys - ${id}::text
    where ${ofType(projectId, type)} and keys ? ${id}`.execute(tx)
  await sql`
    delete from syncproof.staged_records
    where key = ${id} and stage_id in (
      select stage_id from syncproof.stages, syncproof.reports
      where ${ofType(projectId, type)} and reports.id = split_part(stage_id, '/', 1))`.execute(tx)
  const result = await sql`
    delete from syncproof.divergences as found
    using syncproof.reports
    where ${ofType(projectId, type)} and found.project_id = reports.project_id and found.report_id = reports.id
      and found.key = ${id}`.execute(tx)
  return Number(result.numAffectedRows ?? 0)
}

export async function countDivergences(
  db: Database,
  projectId: string,
  { type, id }: EntityRef,
): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) from syncproof.reports
    join syncproof.divergences as found on found.project_id = reports.project_id and found.report_id = reports.id
    where ${ofType(projectId, type)} and found.key = ${id}`.execute(db)
  return Number(rows[0]?.count ?? 0)
}
