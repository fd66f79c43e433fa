import type { Finding, FindingKind } from '@syncproof/core/contract'
import { type SqlBool, sql } from 'kysely'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database, Tx } from './database.ts'
import { lockFindings } from './locks.ts'
import { jsonb, rfc3339 } from './sql-text.ts'
import type {
  DetectionBatch,
  FindingGroup,
  GroupFilter,
  GroupStore,
  Page,
  PageRequest,
  QuietRule,
} from './store.ts'

/** Kinds that are about what happened once. Those about a state of two systems end by themselves, and those about a
 *  function are one finding already. */
const GROUPED_KINDS: readonly FindingKind[] = [
  'lost-update',
  'write-conflict',
  'lock-void',
  'partial-write',
  'reordered-sync',
  'duplicate-create',
  'orphaned-operation',
  'unobserved-write',
  'write-skew',
  'contract-violation',
  'invariant-violation',
]

export function groupStore(db: Database): GroupStore {
  return {
    list: (projectId, filter, page) => listGroups(db, projectId, filter, page),
    close: (projectId, rule) => closeGroups(db, projectId, rule),
  }
}

/** Adds findings to their groups, which opens these again. Doing it twice changes nothing. Call `lockFindings` first.
 *  @param ids of findings that were written just now */
export async function joinGroups(tx: Tx, projectId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`
    with joined as (
      update syncproof.findings set group_id = syncproof.finding_group_id(kind, operation, entity_type)
      where project_id = ${projectId} and id = any(${ids}::text[]) and group_id is null
        and verdict in ('proven', 'observed') and kind in (${sql.join(GROUPED_KINDS)})
      returning group_id, kind, operation, entity_type)
    insert into syncproof.finding_groups as known
    select ${projectId}, group_id, kind, operation, entity_type, 'open', count(*), 0, now(), now(), null
    from joined
    group by group_id, kind, operation, entity_type
    on conflict (project_id, id) do update set
      status = 'open',
      resolution = null,
      findings = known.findings + excluded.findings,
      calls = 0,
      last_seen_at = now()`.execute(tx)
}

/** Counts for open groups the calls of their functions that ended in this batch. Nothing is locked or written where
 *  none of them has an open group.
 *  @param created their operations made a finding: they are no quiet calls */
export async function countQuietCalls(
  tx: Tx,
  { projectId, events, operations }: DetectionBatch,
  created: readonly Finding[],
): Promise<void> {
  const ended = new Set(
    events.flatMap((event) => (event.kind === 'operation_finished' ? event.operation_id : [])),
  )
  for (const { cause } of created) ended.delete(cause.operation_id ?? '')
  const names = operations.flatMap((row) =>
    row.events.flatMap((event) =>
      event.kind === 'operation_started' && ended.has(event.operation_id) ? event.name : [],
    ),
  )
  if (names.length === 0) return
  const calls = [...Map.groupBy(names, (name) => name)].map(([name, all]) => ({ name, calls: all.length }))
  const { rows } = await sql<{ open: boolean }>`
    select exists (
      select from syncproof.finding_groups
      where project_id = ${projectId} and status = 'open'
        and operation = any(${calls.map(({ name }) => name)}::text[])) as open`.execute(tx)
  if (!rows[0]?.open) return
  // as whoever writes findings does, so that two lanes never wait for each other's groups
  await lockFindings(tx, projectId)
  await sql`
    update syncproof.finding_groups as known set calls = known.calls + ended.calls
    from jsonb_to_recordset(${jsonb(calls)}) as ended(name text, calls bigint)
    where known.project_id = ${projectId} and known.status = 'open' and known.operation = ended.name`.execute(
    tx,
  )
}

async function closeGroups(
  db: Database,
  projectId: string,
  { quietMs, callsMin }: QuietRule,
): Promise<number> {
  const isQuiet = sql<SqlBool>`(known.calls >= ${callsMin}
    and known.last_seen_at <= clock_timestamp() - make_interval(secs => ${quietMs / 1_000}))`
  return db.transaction().execute(async (tx) => {
    await lockFindings(tx, projectId)
    const result = await sql`
      update syncproof.finding_groups as known set
        status = 'resolved',
        forgotten = 0,
        resolution = jsonb_build_object(
          'at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
          'why', case when ${isQuiet}
            then 'It has not happened again, and the function ran ' || known.calls || ' times since.'
            else 'Each of its findings is over, or was muted.' end)
      where known.project_id = ${projectId} and known.status = 'open' and (${isQuiet} or forgotten = 0 and not exists (
        select from syncproof.findings as finding
        where finding.project_id = known.project_id and finding.group_id = known.id
          and finding.status in ('open', 'acknowledged')))`.execute(tx)
    return Number(result.numAffectedRows ?? 0)
  })
}

async function listGroups(
  db: Database,
  projectId: string,
  filter: GroupFilter,
  page: PageRequest,
): Promise<Page<FindingGroup>> {
  const after = decodeCursor(page.cursor, [cursorParts.time, cursorParts.text])
  let query = db.selectFrom('syncproof.finding_groups').select(columns).where('project_id', '=', projectId)
  for (const column of ['status', 'kind', 'operation', 'entity_type'] as const) {
    const value = filter[column]
    if (value !== undefined) query = query.where(column, '=', value as never)
  }
  if (after) query = query.where(sql<SqlBool>`(last_seen_at, id) < (${after[0]}::timestamptz, ${after[1]})`)
  const rows = await query
    .orderBy('syncproof.finding_groups.last_seen_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute()
  return toPage(rows, page.limit, toGroup, (row) => [row.last_seen_at, row.id])
}

const columns = [
  'id',
  'kind',
  'operation',
  'entity_type',
  'status',
  'findings',
  'calls',
  rfc3339('first_seen_at').as('first_seen_at'),
  rfc3339('last_seen_at').as('last_seen_at'),
  'resolution',
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
