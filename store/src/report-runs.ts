import type { DetectedFinding } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { lockFindings } from './locks.ts'
import { recordFindings, resolveFindings } from './record-findings.ts'
import { getReport } from './report-lists.ts'
import { isUnattended } from './report-row.ts'
import { jsonb } from './sql-text.ts'
import type { Divergence, ReportStore } from './store.ts'

/** A report's states: `queued` → `running` (claim) → `finished` (finish). A running one whose worker has gone silent
 *  is claimed again and stays `running`, with the next fence; only the newest fence may write. */

/** See `ReportStore.claim`. The pair's row is locked: two claims of one pair are taken one after the other, and the second
 *  sees what became of the first. */
export async function claimReport(
  db: Database,
  projectId: string,
  id: string,
  abandonedMs: number,
): ReturnType<ReportStore['claim']> {
  const fence = await db.transaction().execute(async (tx) => {
    await lockPairOf(tx, projectId, id)
    const { rows } = await sql<{ fence: string }>`
      update syncproof.reports as report
      set state = 'running', fence = fence + 1, heartbeat_at = clock_timestamp(),
        started_at = coalesce(started_at, clock_timestamp())
      where project_id = ${projectId} and id = ${id} and ${isUnattended(abandonedMs)}
        and (keys is not null or not exists (
          select from syncproof.reports
          where reports.project_id = report.project_id and reports.pair = report.pair and reports.id <> report.id
            and reports.keys is null and reports.state = 'running'
            and reports.heartbeat_at > clock_timestamp() - make_interval(secs => ${abandonedMs / 1000})))
      returning fence`.execute(tx)
    return rows[0]?.fence
  })
  const report = fence === undefined ? undefined : await getReport(db, projectId, id)
  return report && { report, fence: Number(fence) }
}

async function lockPairOf(tx: Tx, projectId: string, id: string): Promise<void> {
  await sql`
    select 1 from syncproof.pairs
    where project_id = ${projectId}
      and name = (select pair from syncproof.reports where project_id = ${projectId} and id = ${id})
    for update`.execute(tx)
}

/** See `ReportStore.release`. */
export async function releaseReport(
  db: Database,
  projectId: string,
  id: string,
  fence: number,
): Promise<void> {
  await sql`
    update syncproof.reports set heartbeat_at = '-infinity'
    where project_id = ${projectId} and id = ${id} and fence = ${fence} and state = 'running'`.execute(db)
}

/** See `ReportStore.heartbeat`. */
export async function heartbeatReport(
  db: Database,
  projectId: string,
  id: string,
  fence: number,
): Promise<boolean> {
  const result = await sql`
    update syncproof.reports set heartbeat_at = clock_timestamp()
    where project_id = ${projectId} and id = ${id} and fence = ${fence} and state = 'running'`.execute(db)
  return result.numAffectedRows === 1n
}

type Outcome = Parameters<ReportStore['finish']>[3]

/** See `ReportStore.finish`. The report's row is written first: whoever holds it is the only one to publish. */
export async function finishReport(
  db: Database,
  projectId: string,
  id: string,
  fence: number,
  outcome: Outcome,
): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    if (!(await publishResult(tx, projectId, id, fence, outcome))) return false
    await sql`
      delete from syncproof.report_segments where project_id = ${projectId} and report_id = ${id}`.execute(tx)
    await insertDivergences(tx, projectId, id, outcome.divergences)
    await lockFindings(tx, projectId)
    await recordFindings(tx, projectId, outcome.findings.map(seenOnce))
    await resolveFindings(tx, projectId, outcome.resolved)
    return true
  })
}

function seenOnce(finding: DetectedFinding) {
  return { finding, occurrences: 1 }
}

/** A run that could not tell is no baseline. The pair's row is locked: of two runs that end at once one is the first. */
async function publishResult(
  tx: Tx,
  projectId: string,
  id: string,
  fence: number,
  { result, problem, coverage, self_test, rules, divergences, keys }: Outcome,
): Promise<boolean> {
  await lockPairOf(tx, projectId, id)
  const published = await sql`
    update syncproof.reports as report
    set state = 'finished', finished_at = clock_timestamp(), result = ${result}, problem = ${problem && jsonb(problem)},
      coverage = ${jsonb(coverage)}, self_test = ${self_test},
      diverged = ${divergences.filter((divergence) => divergence.verdict === 'observed').length},
      maintenance = (
        select reason from syncproof.maintenance_windows as window_
        where window_.project_id = report.project_id and (window_.pairs is null or report.pair = any(window_.pairs))
          and window_.ends_at > report.started_at and window_.starts_at <= clock_timestamp()
        order by window_.ends_at desc limit 1),
      keys = coalesce(${keys ? JSON.stringify(keys) : null}::jsonb, keys),
      rules = case when keys is null then ${rules}::text end,
      baseline = keys is null and ${result}::text <> 'unknown' and not exists (
        select from (
          select earlier.rules from syncproof.reports earlier
          where earlier.project_id = report.project_id and earlier.pair = report.pair and earlier.keys is null
            and earlier.result in ('clean', 'diverged')
          order by earlier.finished_at desc limit 1) last
        where coalesce(last.rules, ${rules}::text) is not distinct from ${rules}::text)
    where project_id = ${projectId} and id = ${id} and fence = ${fence} and state = 'running'`.execute(tx)
  return published.numAffectedRows === 1n
}

async function insertDivergences(
  tx: Tx,
  projectId: string,
  reportId: string,
  divergences: readonly Divergence[],
): Promise<void> {
  if (divergences.length === 0) return
  await sql`
    insert into syncproof.divergences (project_id, report_id, key, kind, verdict, fields, reason, finding_id,
      source_observed_at, target_observed_at)
    select ${projectId}, ${reportId}, key, kind, verdict, fields, reason, finding_id,
      source_observed_at, target_observed_at
    from jsonb_to_recordset(${jsonb(divergences)}) as d(key text, kind text, verdict text, fields jsonb,
      reason text, finding_id text, source_observed_at timestamptz, target_observed_at timestamptz)`.execute(
    tx,
  )
}
