import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { settleAlert, takeAlert } from './alert-deliveries.ts'
import type {
  AlertFigures,
  AlertingGroup,
  AlertPlan,
  AlertStore,
  GroupSample,
  NewAlert,
} from './alert-store.ts'
import type { Database, Tx } from './database.ts'
import { findingColumns, toFinding } from './finding-row.ts'
import { lockFindings } from './locks.ts'
import { jsonb, rfc3339 } from './sql-text.ts'

const DUE_MAX = 100
const GROUPS_AT_ONCE = 1_000
const TOLD_AT_ONCE = 50
const REFRESHED_AT_ONCE = 8

export function alertStore(db: Database): AlertStore {
  return {
    raise: (projectId, plan) => raiseAlerts(db, projectId, plan),
    async due(projectId, sink) {
      // of each group the oldest: what waits behind it cannot be sent
      const { rows } = await sql<{ group: string }>`
        select group_id as "group" from (
          select distinct on (group_id) group_id, number, due_at, leased_until from syncproof.alert_deliveries
          where project_id = ${projectId} and sink = ${sink} and status = 'waiting'
          order by group_id, number) as head
        where due_at <= clock_timestamp() and leased_until < clock_timestamp()
        order by number limit ${DUE_MAX}`.execute(db)
      return rows.map(({ group }) => group)
    },
    take: (projectId, key, leaseMs) => takeAlert(db, projectId, key, leaseMs),
    settle: (taken, end) => settleAlert(db, taken, end),
    async refresh(projectId, sink, refreshMs) {
      const { rows } = await sql<Awaited<ReturnType<AlertStore['refresh']>>[number]>`
        update syncproof.alert_deliveries set refreshed_at = clock_timestamp()
        where number in (
          select last.number
          from syncproof.finding_groups as known
          cross join lateral (
            select number, state, status, refreshed_at from syncproof.alert_deliveries
            where project_id = known.project_id and group_id = known.id and sink = ${sink}
            order by number desc limit 1) as last
          where known.project_id = ${projectId} and (known.status = 'open' or known.told <> '{}')
            and known.told->${sink} is not null and last.status = 'delivered' and last.state <> 'resolved'
            and last.refreshed_at < clock_timestamp() - make_interval(secs => ${refreshMs / 1_000})
          order by last.refreshed_at limit ${REFRESHED_AT_ONCE})
        returning number, message`.execute(db)
      return rows
    },
    figures: () => alertFigures(db),
  }
}

/** What nobody is to hear of takes no lock: it is asked for every two seconds. */
async function raiseAlerts(db: Database, projectId: string, plan: AlertPlan): Promise<number> {
  let added = 0
  let after: AlertingGroup | undefined
  for (;;) {
    const groups = await alertingGroups(db, projectId, isAfter(after))
    const changed = groups.filter((group) => plan.next(group).length > 0)
    // a transaction for some at a time: nobody can write findings meanwhile
    for (let from = 0; from < changed.length; from += TOLD_AT_ONCE)
      added += await tell(db, projectId, changed.slice(from, from + TOLD_AT_ONCE), plan)
    if (groups.length < GROUPS_AT_ONCE) return added
    after = groups.at(-1)
  }
}

function isAfter(group: AlertingGroup | undefined) {
  return group ? sql`(opened_at, id) > (${group.opened_at}::timestamptz, ${group.id})` : sql`true`
}

async function tell(
  db: Database,
  projectId: string,
  changed: readonly AlertingGroup[],
  plan: AlertPlan,
): Promise<number> {
  return db.transaction().execute(async (tx) => {
    // as whoever changes groups
    await lockFindings(tx, projectId)
    let added = 0
    const ids = changed.map(({ id }) => id)
    for (const group of await alertingGroups(tx, projectId, sql`id = any(${ids}::text[])`)) {
      const next = plan.next(group)
      if (next.length === 0) continue
      await addDeliveries(tx, projectId, group, next, plan)
      added += next.length
    }
    return added
  })
}

async function alertingGroups(
  db: Database | Tx,
  projectId: string,
  isWanted: RawBuilder<unknown>,
): Promise<readonly AlertingGroup[]> {
  const isStill = (status: string) => sql`exists (
    select from syncproof.findings as finding
    where finding.project_id = known.project_id and finding.group_id = known.id and finding.status = ${status})`
  const { rows } = await sql<Omit<AlertingGroup, 'findings'> & { readonly findings: string }>`
    select id, kind, operation, entity_type, pair, severity, status, muted, findings, ${rfc3339('opened_at')} as opened_at,
      resolution, ${isStill('open')} as is_firing, ${isStill('acknowledged')} as is_acknowledged,
      array(select distinct owner from syncproof.pairs
        where project_id = known.project_id and configured and owner is not null
          and case when known.pair is null then entity_type = known.entity_type else name = known.pair end
        order by owner) as owners,
      ${maintenanceOf()} as maintenance,
      told
    from syncproof.finding_groups as known
    where project_id = ${projectId} and (status = 'open' or told <> '{}') and ${isWanted}
    order by known.opened_at, id limit ${GROUPS_AT_ONCE}`.execute(db)
  return rows.map((row) => ({ ...row, findings: Number(row.findings) }))
}

/** The reason of a window that is on now and holds back what is said of `known`, a group. */
export function maintenanceOf() {
  return sql<string | null>`(
    select reason from syncproof.maintenance_windows as window_
    where window_.project_id = known.project_id and window_.starts_at <= clock_timestamp()
      and window_.ends_at > clock_timestamp() and (window_.pairs is null or exists (
        select from syncproof.pairs as pair
        where pair.project_id = known.project_id and pair.name = any(window_.pairs)
          and case when known.pair is null then pair.entity_type = known.entity_type else pair.name = known.pair end))
    order by window_.ends_at desc limit 1)`
}

async function addDeliveries(
  tx: Tx,
  projectId: string,
  group: AlertingGroup,
  next: readonly NewAlert[],
  plan: AlertPlan,
): Promise<void> {
  const sample = await sampleOf(tx, projectId, group.id)
  const told = new Map(Object.entries(group.told))
  for (const one of next) {
    const { sink, state } = one
    const message = plan.message(group, sample, one)
    await sql`
      insert into syncproof.alert_deliveries (project_id, group_id, sink, state, message)
      values (${projectId}, ${group.id}, ${sink}, ${state}, ${jsonb(message)})`.execute(tx)
    if (state === 'resolved') told.delete(sink)
    else told.set(sink, { state, severity: message.severity, owner: message.owner })
  }
  await sql`
    update syncproof.finding_groups set told = ${jsonb(Object.fromEntries(told))}
    where project_id = ${projectId} and id = ${group.id}`.execute(tx)
}

async function sampleOf(tx: Tx, projectId: string, group: string): Promise<GroupSample> {
  const newest = (isWanted: RawBuilder<SqlBool>) =>
    tx
      .selectFrom('syncproof.findings')
      .select(findingColumns)
      .where('project_id', '=', projectId)
      .where(sql<string>`group_id`, '=', group)
      .where(isWanted)
      .orderBy('syncproof.findings.last_seen_at', 'desc')
      .limit(1)
      .executeTakeFirst()
  const row = (await newest(sql`status = 'open'`)) ?? (await newest(sql`true`))
  const { rows } = await sql<{ open: string }>`
    select count(*) as open from syncproof.findings
    where project_id = ${projectId} and group_id = ${group} and status = 'open'`.execute(tx)
  return { open: Number(rows[0]?.open ?? 0), newest: row && toFinding(row) }
}

async function alertFigures(db: Database): Promise<readonly AlertFigures[]> {
  const { rows } = await sql<{
    sink: string
    waiting: string
    oldest_ms: number | null
    firing: string
  }>`
    select sink, sum(waiting)::text as waiting, min(oldest_ms) as oldest_ms, sum(firing)::text as firing from (
      select sink, count(*) as waiting, extract(epoch from min(created_at))::double precision * 1000 as oldest_ms,
        0 as firing
      from syncproof.alert_deliveries where status = 'waiting' group by 1
      union all
      select sink, 0, null, count(*)
      from syncproof.finding_groups, jsonb_object_keys(told) as sink
      where told <> '{}'
      group by 1) as figure
    group by 1 order by 1`.execute(db)
  return rows.map(({ sink, waiting, oldest_ms, firing }) => ({
    sink,
    waiting: Number(waiting),
    oldestMs: oldest_ms,
    firing: Number(firing),
  }))
}
