import type { EntityRef, Finding, FindingKind } from '@syncproof/core/contract'
import { type SqlBool, sql } from 'kysely'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { findingColumns, toFinding } from './finding-row.ts'
import { reopenGroup } from './group-lists.ts'
import { lockFindings } from './locks.ts'
import { explainFindings, recordFindings, resolveFindings } from './record-findings.ts'
import { isEntity, isOneOf } from './sql-text.ts'
import type { FindingFilter, FindingPatch, FindingStore, Page, PageRequest } from './store.ts'

export function findingStore(db: Database): FindingStore {
  return {
    list: (projectId, filter, page) => listFindings(db, projectId, filter, page),
    get: (projectId, id) => getFinding(db, projectId, id),
    patch: (projectId, id, patch) => patchFinding(db, projectId, id, patch),
    record: (projectId, findings) =>
      db.transaction().execute(async (tx) => {
        await lockFindings(tx, projectId)
        const seen = findings.map((finding) => ({ finding, occurrences: 1 }))
        return recordFindings(tx, projectId, seen)
      }),
    resolve: (projectId, resolved) =>
      db.transaction().execute(async (tx) => {
        await lockFindings(tx, projectId)
        return resolveFindings(tx, projectId, resolved)
      }),
    explain: (projectId, reasons) =>
      db.transaction().execute(async (tx) => {
        await lockFindings(tx, projectId)
        await explainFindings(tx, projectId, reasons)
      }),
    openOf: (projectId, kinds, entities) => openFindings(db, projectId, kinds, entities),
  }
}

async function listFindings(
  db: Database,
  projectId: string,
  filter: FindingFilter,
  page: PageRequest,
): Promise<Page<Finding>> {
  const after = decodeCursor(page.cursor, [cursorParts.time, cursorParts.text])
  const { since, ...equals } = filter
  let query = db.selectFrom('syncproof.findings').select(findingColumns).where('project_id', '=', projectId)
  for (const column of ['kind', 'verdict', 'status', 'entity_type', 'entity_id', 'operation'] as const) {
    const value = equals[column]
    if (value !== undefined) query = query.where(column, '=', value as never)
  }
  const { entity_type: type, entity_id: id } = filter
  if (type !== undefined && id !== undefined) query = query.where(isEntity({ type, id }))
  if (since !== undefined) query = query.where('last_seen_at', '>=', since)
  if (after) query = query.where(sql<SqlBool>`(last_seen_at, id) < (${after[0]}::timestamptz, ${after[1]})`)
  const rows = await query
    .orderBy('syncproof.findings.last_seen_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute()
  return toPage(rows, page.limit, toFinding, (row) => [row.last_seen_at, row.id])
}

async function getFinding(db: Database, projectId: string, id: string): Promise<Finding | undefined> {
  const row = await db
    .selectFrom('syncproof.findings')
    .select(findingColumns)
    .where('project_id', '=', projectId)
    .where('id', '=', id)
    .executeTakeFirst()
  return row && toFinding(row)
}

/** Opening a resolved finding again, or acknowledging or muting it, takes its resolution away. */
async function patchFinding(
  db: Database,
  projectId: string,
  id: string,
  { status, note }: FindingPatch,
): Promise<Finding | undefined> {
  await db.transaction().execute(async (tx) => {
    await lockFindings(tx, projectId)
    const before = await sql<{ status: string; group_id: string | null }>`
      select status, group_id from syncproof.findings where project_id = ${projectId} and id = ${id}`.execute(
      tx,
    )
    await sql`
      update syncproof.findings
      set status = coalesce(${status ?? null}, status),
        reopened_at = case when status = 'resolved' and ${status ?? null} = 'open' then now() else reopened_at end,
        resolution = case when ${status ?? null}::text is null then resolution end,
        note = coalesce(${note ?? null}, note)
      where project_id = ${projectId} and id = ${id}`.execute(tx)
    const [was] = before.rows
    const isBack = status === 'open' || status === 'acknowledged'
    if (
      isBack &&
      was?.group_id &&
      ['resolved', 'muted', 'acknowledged'].includes(was.status) &&
      was.status !== status
    )
      await reopenGroup(tx, projectId, was.group_id)
  })
  return getFinding(db, projectId, id)
}

/** See `FindingStore.openOf`. */
export async function openFindings(
  db: Database,
  projectId: string,
  kinds: readonly FindingKind[],
  entities: readonly EntityRef[],
): Promise<readonly Finding[]> {
  if (kinds.length === 0 || entities.length === 0) return []
  const rows = await db
    .selectFrom('syncproof.findings')
    .select(findingColumns)
    .where('project_id', '=', projectId)
    .where('status', '<>', 'resolved')
    .where('kind', 'in', kinds)
    .where(isOneOf(entities))
    .orderBy('id')
    .execute()
  return rows.map(toFinding)
}

/** Which of these findings are stored and not resolved. */
export async function unresolvedAmong(
  db: Database,
  projectId: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<{ id: string }>`
    select id from syncproof.findings
    where project_id = ${projectId} and id = any(${ids}::text[]) and status <> 'resolved'`.execute(db)
  return rows.map((row) => row.id)
}
