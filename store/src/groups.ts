import { DIVERGENCE_KINDS, type Finding, type FindingKind } from '@syncproof/core/contract'
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { getGroup, listGroups, patchGroup } from './group-lists.ts'
import { lockFindings } from './locks.ts'
import { jsonb } from './sql-text.ts'
import type { DetectionBatch, GroupStore, QuietRule } from './store.ts'

/** Kinds that are about what happened once. Divergences are grouped by pair, without what was there before anybody watched; those
 *  about a function are one finding already. */
const OCCURRENCE_KINDS: readonly FindingKind[] = [
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
    get: (projectId, id) => getGroup(db, projectId, id),
    patch: (projectId, id, patch) => patchGroup(db, projectId, id, patch),
    close: (projectId, rule) => closeGroups(db, projectId, rule),
  }
}

/** Adds findings to their groups, which opens these again. Doing it twice changes nothing. Call `lockFindings` first.
 *  @param ids of findings that were written just now */
export async function joinGroups(tx: Tx, projectId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const pair = sql`case when kind in (${sql.join(DIVERGENCE_KINDS)}) then details->>'pair' end`
  await sql`
    with joined as (
      update syncproof.findings set group_id = syncproof.finding_group_id(kind, operation, entity_type, ${pair})
      where project_id = ${projectId} and id = any(${ids}::text[])
        -- a state that is back joins again
        and (group_id is null or reopened_at = now())
        and verdict in ('proven', 'observed') and (kind in (${sql.join(OCCURRENCE_KINDS)})
          or (kind in (${sql.join(DIVERGENCE_KINDS)}) and coalesce(details->>'baseline', 'false') = 'false'))
      returning group_id, kind, operation, entity_type, ${pair} as pair, severity)
    insert into syncproof.finding_groups as known (project_id, id, kind, operation, entity_type, pair, status, findings, calls,
      first_seen_at, last_seen_at, opened_at, severity)
    select ${projectId}, group_id, kind, operation, entity_type, pair, 'open', count(*), 0, now(), now(), now(),
      ${strongest(sql`severity`)}
    from joined
    group by group_id, kind, operation, entity_type, pair
    on conflict (project_id, id) do update set
      status = 'open',
      resolution = null,
      findings = known.findings + excluded.findings,
      calls = 0,
      last_seen_at = now(),
      opened_at = case when known.status = 'open' then known.opened_at else now() end,
      severity = case when known.status = 'open' then ${stronger(sql`known.severity`, sql`excluded.severity`)}
        else excluded.severity end`.execute(tx)
  // a run that began after it was last seen, and did not find it, says that it is over
  await sql`
    update syncproof.finding_groups set last_seen_at = now()
    where project_id = ${projectId} and id in (
      select group_id from syncproof.findings
      where project_id = ${projectId} and id = any(${ids}::text[]) and kind in (${sql.join(DIVERGENCE_KINDS)})
        and status in ('open', 'acknowledged') and group_id is not null)
      and last_seen_at < now()`.execute(tx)
}

const WEAKEST_FIRST = sql`array[${sql.join(['low', 'medium', 'high', 'critical'])}]::text[]`

function strongest(severity: RawBuilder<unknown>) {
  return sql`(${WEAKEST_FIRST})[max(array_position(${WEAKEST_FIRST}, ${severity}))]`
}

function stronger(one: RawBuilder<unknown>, other: RawBuilder<unknown>) {
  return sql`(${WEAKEST_FIRST})[greatest(array_position(${WEAKEST_FIRST}, ${one}), array_position(${WEAKEST_FIRST}, ${other}))]`
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
  const isQuiet = sql<SqlBool>`(known.pair is null and known.calls >= ${callsMin}
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
            when known.pair is not null
            then 'A whole reconciliation of ' || known.pair || ' has read every record since, and none differs in this way.'
            else 'Each of its findings is over, or was muted.' end)
      where known.project_id = ${projectId} and known.status = 'open' and (${isQuiet} or forgotten = 0 and not exists (
        select from syncproof.findings as finding
        where finding.project_id = known.project_id and finding.group_id = known.id
          and finding.status in ('open', 'acknowledged')) and (known.pair is null or ${wasCovered}))`.execute(
      tx,
    )
    return Number(result.numAffectedRows ?? 0)
  })
}

/** A whole run that could decide every record began after the group was last seen, and has ended. */
const wasCovered = sql<SqlBool>`exists (
  select from syncproof.reports as report
  where report.project_id = known.project_id and report.pair = known.pair and report.keys is null
    and report.state = 'finished' and report.started_at > known.last_seen_at and report.result in ('clean', 'diverged')
    and report.coverage->>'indeterminate' = '0' and report.coverage->>'unread' = '0')`
