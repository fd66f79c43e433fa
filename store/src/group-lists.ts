import { type SqlBool, sql } from 'kysely'
import { maintenanceOf } from './alerts.ts'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database, Tx } from './database.ts'
import { lockFindings } from './locks.ts'
import { rfc3339, rfc3339OrNull } from './sql-text.ts'
import type { FindingGroup, GroupAlert, GroupFilter, GroupPatch, Page, PageRequest } from './store.ts'

const ALERTS_MAX = 20

/** See `GroupStore.list`. */
export async function listGroups(
  db: Database,
  projectId: string,
  filter: GroupFilter,
  page: PageRequest,
): Promise<Page<FindingGroup>> {
  const after = decodeCursor(page.cursor, [cursorParts.time, cursorParts.text])
  let query = groups(db, projectId)
  for (const column of ['status', 'kind', 'operation', 'entity_type', 'pair'] as const) {
    const value = filter[column]
    if (value !== undefined) query = query.where(column, '=', value as never)
  }
  if (after) query = query.where(sql<SqlBool>`(last_seen_at, id) < (${after[0]}::timestamptz, ${after[1]})`)
  const rows = await query
    .orderBy('known.last_seen_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute()
  return toPage(rows, page.limit, toGroup, (row) => [row.last_seen_at, row.id])
}

/** See `GroupStore.get`. */
export async function getGroup(
  db: Database,
  projectId: string,
  id: string,
): Promise<FindingGroup | undefined> {
  const row = await groups(db, projectId).where('id', '=', id).executeTakeFirst()
  return row && toGroup(row)
}

/** See `GroupStore.patch`. */
export async function patchGroup(
  db: Database,
  projectId: string,
  id: string,
  { status }: GroupPatch,
): Promise<FindingGroup | undefined> {
  await db.transaction().execute(async (tx) => {
    await lockFindings(tx, projectId)
    await sql`
      update syncproof.finding_groups set muted = ${status === 'muted'}
      where project_id = ${projectId} and id = ${id} and muted <> ${status === 'muted'}`.execute(tx)
    const changed = await sql`
      update syncproof.findings set status = ${status}
      where project_id = ${projectId} and group_id = ${id} and status not in ('resolved', ${status})`.execute(
      tx,
    )
    if (status !== 'muted' && changed.numAffectedRows) await reopenGroup(tx, projectId, id)
  })
  return getGroup(db, projectId, id)
}

/** A group with findings that were opened again by hand is not over. Call `lockFindings` first. */
export async function reopenGroup(tx: Tx, projectId: string, id: string): Promise<void> {
  await sql`
    update syncproof.finding_groups set status = 'open', resolution = null, calls = 0, opened_at = clock_timestamp()
    where project_id = ${projectId} and id = ${id} and status = 'resolved'`.execute(tx)
}

function groups(db: Database, projectId: string) {
  return db
    .selectFrom('syncproof.finding_groups as known')
    .select(columns)
    .where('project_id', '=', projectId)
}

/** The last messages about it. */
const alerts = sql<readonly GroupAlert[]>`coalesce((
  select jsonb_agg(to_jsonb(message) - 'number' order by number desc) from (
    select number, sink, state, status, attempts, answer, ${rfc3339('created_at')} as decided_at,
      case when status = 'waiting' then ${rfc3339('due_at')} end as due_at, ${rfc3339OrNull('ended_at')} as ended_at
    from syncproof.alert_deliveries
    where project_id = known.project_id and group_id = known.id
    order by number desc limit ${ALERTS_MAX}) as message), '[]')`

const columns = [
  'id',
  'kind',
  'operation',
  'entity_type',
  'pair',
  'severity',
  'status',
  'muted',
  maintenanceOf().as('maintenance'),
  'findings',
  'calls',
  rfc3339('known.first_seen_at').as('first_seen_at'),
  rfc3339('known.opened_at').as('opened_at'),
  rfc3339('known.last_seen_at').as('last_seen_at'),
  'resolution',
  alerts.as('alerts'),
] as const

type Selected = Omit<FindingGroup, 'findings' | 'calls_since' | 'resolution'> & {
  readonly findings: string
  readonly calls: string
  readonly resolution: NonNullable<FindingGroup['resolution']> | null
}

function toGroup({ findings, calls, resolution, ...row }: Selected): FindingGroup {
  return {
    ...row,
    findings: Number(findings),
    calls_since: Number(calls),
    ...(resolution && { resolution }),
  }
}
