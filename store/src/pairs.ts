import { sql } from 'kysely'
import type { Database } from './database.ts'
import { lockUntilCommit } from './locks.ts'
import { reportColumns, toReport } from './report-row.ts'
import { jsonb, rfc3339OrNull } from './sql-text.ts'
import type { PairRow, Report, ReportStore } from './store.ts'

/** See `ReportStore.declarePairs`. Rows of pairs that are gone stay, so that a pair that comes back keeps its history. */
export async function declarePairs(
  db: Database,
  projectId: string,
  pairs: readonly PairRow[],
): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // Two reconcilers that start at once declare one after the other.
    await lockUntilCommit(tx, `pairs/${projectId}`)
    await sql`update syncproof.pairs set configured = false where project_id = ${projectId}`.execute(tx)
    await sql`
      insert into syncproof.pairs (project_id, name, entity_type, source, target, every_ms, grace_ms, owner, configured)
      select ${projectId}, name, entity_type, source, target, every_ms, grace_ms, owner, true
      from jsonb_to_recordset(${jsonb(pairs)}) as pair(name text, entity_type text, source text, target text,
        every_ms bigint, grace_ms bigint, owner text)
      on conflict (project_id, name) do update set entity_type = excluded.entity_type, source = excluded.source,
        target = excluded.target, every_ms = excluded.every_ms, grace_ms = excluded.grace_ms,
        owner = excluded.owner, configured = true`.execute(tx)
  })
}

interface SelectedPair extends Omit<PairRow, 'every_ms' | 'grace_ms'> {
  readonly every_ms: string | null
  readonly grace_ms: string
  readonly last_success_at: string | null
}

/** See `ReportStore.pairs`. A success is a whole run that could tell: clean or diverged. */
export async function listPairs(db: Database, projectId: string): ReturnType<ReportStore['pairs']> {
  const { rows } = await sql<SelectedPair>`
    select name, entity_type, source, target, every_ms, grace_ms, owner,
      (select ${rfc3339OrNull('max')} from (
        select max(finished_at) from syncproof.reports report
        where report.project_id = pair.project_id and report.pair = pair.name
          and keys is null and result in ('clean', 'diverged')) as success) as last_success_at
    from syncproof.pairs pair
    where project_id = ${projectId} and configured
    order by name`.execute(db)
  const last = await db
    .selectFrom('syncproof.reports')
    .distinctOn('pair')
    .select(reportColumns)
    .where('project_id', '=', projectId)
    .orderBy('pair')
    .orderBy('syncproof.reports.requested_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  const lastByPair = new Map(last.map((row) => [row.pair, toReport(row)]))
  return rows.map((row) => ({
    ...row,
    every_ms: row.every_ms === null ? null : Number(row.every_ms),
    grace_ms: Number(row.grace_ms),
    last_report: lastByPair.get(row.name) ?? null,
  }))
}

/** See `ReportStore.lastWhole`. */
export async function lastWholeRuns(db: Database, projectId: string): ReturnType<ReportStore['lastWhole']> {
  const { rows } = await sql<Pick<Report, 'pair' | 'result' | 'coverage' | 'self_test'>>`
    select pair.name as pair, result, coverage, self_test
    from syncproof.pairs as pair
    cross join lateral (
      select result, coverage, self_test from syncproof.reports as report
      where report.project_id = pair.project_id and report.pair = pair.name
        and state = 'finished' and keys is null
      order by requested_at desc, id desc limit 1) as last
    where project_id = ${projectId} and configured
    order by 1`.execute(db)
  return rows
}

/** See `ReportStore.schedules`. */
export async function listSchedules(db: Database, projectId: string): ReturnType<ReportStore['schedules']> {
  const { rows } = await sql<{ name: string; every_ms: string }>`
    select name, every_ms from syncproof.pairs
    where project_id = ${projectId} and configured and every_ms is not null
    order by name`.execute(db)
  return rows.map(({ name, every_ms }) => ({ pair: name, everyMs: Number(every_ms) }))
}
