import { type SqlBool, sql } from 'kysely'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { isUnattended, reportColumns, toReport } from './report-row.ts'
import { rfc3339OrNull } from './sql-text.ts'
import type { Divergence, Page, PageRequest, Report, ReportStore } from './store.ts'

/** See `ReportStore.list`. */
export async function listReports(
  db: Database,
  projectId: string,
  { pair }: { readonly pair?: string | undefined },
  page: PageRequest,
): Promise<Page<Report>> {
  const after = decodeCursor(page.cursor, [cursorParts.time, cursorParts.text])
  let query = db.selectFrom('syncproof.reports').select(reportColumns).where('project_id', '=', projectId)
  if (pair !== undefined) query = query.where('pair', '=', pair)
  if (after) query = query.where(sql<SqlBool>`(requested_at, id) < (${after[0]}::timestamptz, ${after[1]})`)
  const rows = await query
    .orderBy('syncproof.reports.requested_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute()
  return toPage(rows, page.limit, toReport, (row) => [row.requested_at, row.id])
}

/** See `ReportStore.get`. */
export async function getReport(db: Database, projectId: string, id: string): Promise<Report | undefined> {
  const row = await db
    .selectFrom('syncproof.reports')
    .select(reportColumns)
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toReport(row)
}

/** See `ReportStore.divergences`. */
export async function listDivergences(
  db: Database,
  projectId: string,
  reportId: string,
  page: PageRequest,
): Promise<Page<Divergence>> {
  const [after] = decodeCursor(page.cursor, [cursorParts.text]) ?? []
  let query = db
    .selectFrom('syncproof.divergences')
    .select([
      'key',
      'kind',
      'verdict',
      'fields',
      'reason',
      'finding_id',
      rfc3339OrNull('source_observed_at').as('source_observed_at'),
      rfc3339OrNull('target_observed_at').as('target_observed_at'),
    ])
    .where('project_id', '=', projectId)
    .where('report_id', '=', reportId)
  if (after !== undefined) query = query.where('key', '>', after)
  const rows = await query
    .orderBy('key')
    .limit(page.limit + 1)
    .execute()
  return toPage(
    rows,
    page.limit,
    (row) => row,
    (row) => [row.key],
  )
}

/** See `ReportStore.pending`. */
export async function pendingReports(db: Database, abandonedMs: number): ReturnType<ReportStore['pending']> {
  const { rows } = await sql<{ projectId: string; id: string }>`
    select project_id as "projectId", id from syncproof.reports
    where ${isUnattended(abandonedMs)} and state <> 'finished'
    order by requested_at`.execute(db)
  return rows
}

/** See `ReportStore.lastRules`. */
export async function lastRules(
  db: Database,
  projectId: string,
  pair: string,
): Promise<string | null | undefined> {
  const row = await db
    .selectFrom('syncproof.reports')
    .select('rules')
    .where('project_id', '=', projectId)
    .where('pair', '=', pair)
    .where('keys', 'is', null)
    .where('result', 'in', ['clean', 'diverged'])
    .orderBy('syncproof.reports.finished_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row?.rules
}
