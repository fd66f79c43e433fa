import { type SqlBool, sql } from 'kysely'
import type { Database } from './database.ts'
import { type Pass, ROWS_AT_ONCE } from './expire-pass.ts'
import { sweepTable } from './expire-rows.ts'

/** Kept whatever their age: the baseline of a pair, and the last whole run of it that could tell. Without them the next run
 *  would be taken for the first one. */
const isDue = (cutoffMs: number) => sql<SqlBool>`(
  state = 'finished' and not baseline and finished_at < to_timestamp(${cutoffMs / 1000}::double precision)
  and exists (
    select from syncproof.reports as later
    where later.project_id = reports.project_id and later.pair = reports.pair and later.keys is null
      and later.result in ('clean', 'diverged') and later.requested_at > reports.requested_at))`

/** Removes reports that ended long ago, first what they found: one report may have found a million records. */
export async function expireReports(pass: Pass): Promise<void> {
  const { reportsMs } = pass.policy
  if (reportsMs === null) return
  const cutoffMs = pass.nowMs - reportsMs
  for (let removed = ROWS_AT_ONCE; removed > 0; ) {
    if (pass.signal.aborted) return
    removed = await removeDivergences(pass, cutoffMs)
  }
  await sweepTable(
    pass,
    {
      subject: 'reports',
      table: 'syncproof.reports',
      order: ['requested_at', 'id'],
      keyType: 'text',
      returning: ['id'],
      isDue: isDue(cutoffMs),
    },
    cutoffMs,
  )
}

function removeDivergences(pass: Pass, cutoffMs: number): Promise<number> {
  return pass.remove(undefined, async (tx) => {
    const result = await sql`
      delete from syncproof.divergences where (project_id, report_id, key) in (
        select found.project_id, report_id, key
        from syncproof.reports
        join syncproof.divergences as found on found.project_id = reports.project_id and report_id = reports.id
        where ${isDue(cutoffMs)} and requested_at < to_timestamp(${cutoffMs / 1000}::double precision)
        limit ${ROWS_AT_ONCE})`.execute(tx)
    return Number(result.numAffectedRows ?? 0)
  })
}

/** Removes what runs have staged that are over: a worker that was killed cannot do it. */
export async function expireStages(pass: Pass): Promise<void> {
  for (const stageId of await abandonedStages(pass.db)) {
    for (let removed = ROWS_AT_ONCE; removed === ROWS_AT_ONCE && !pass.signal.aborted; ) {
      removed = await pass.remove(undefined, async (tx) => {
        const result = await sql`
          delete from syncproof.staged_records where stage_id = ${stageId} and key in (
            select key from syncproof.staged_records where stage_id = ${stageId} limit ${ROWS_AT_ONCE})`.execute(
          tx,
        )
        return Number(result.numAffectedRows ?? 0)
      })
    }
    if (pass.signal.aborted) return
    await sql`delete from syncproof.stages where stage_id = ${stageId}`.execute(pass.db)
  }
}

/** A stage is named `<report>/<segment>/<side>`. By jumping from one to the next: a stage may have millions of records. */
async function abandonedStages(db: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ stage_id: string }>`
    with recursive staged as (
      (select stage_id from syncproof.staged_records order by stage_id limit 1)
      union all
      select (select next.stage_id from syncproof.staged_records as next where next.stage_id > staged.stage_id
        order by next.stage_id limit 1)
      from staged where staged.stage_id is not null),
    known as (
      select stage_id from staged where stage_id is not null
      union
      select stage_id from syncproof.stages)
    select stage_id from known
    where not exists (
      select from syncproof.reports
      where id = split_part(stage_id, '/', 1) and state = 'running')`.execute(db)
  return rows.map((row) => row.stage_id)
}
