import { sql } from 'kysely'
import { type Count, type CountStore, LABEL_LENGTH_MAX, LABEL_VALUES_MAX, OVERFLOW } from './count-store.ts'
import type { Database } from './database.ts'
import { SHADOW_PROJECT } from './shadow-project.ts'

/** Changes that are added up in one statement. */
const CHANGES_AT_ONCE = 20_000
/** Whoever folds has other things to do. */
const FOLD_MS_MAX = 1_000
/** Labels that hold names from people's code. */
const OPEN_LABELS = ['operation', 'entity_type', 'system']
/** One a function and kind of hazard, so there are never so many. */
const HAZARDS_MAX = 1_000
const RELEASES_MAX = 50

export function countStore(db: Database): CountStore {
  return {
    read: () => readCounts(db),
    fold: () => foldCounts(db),
    systems: () => listSystems(db),
    oldestDivergences: () => oldestDivergences(db),
    nearestMisses: () => nearestMisses(db),
    releases: () => lastReleases(db),
  }
}

async function readCounts(db: Database): ReturnType<CountStore['read']> {
  const { rows } = await sql<Omit<Count, 'value'> & { readonly value: string }>`
    select metric, labels, sum(value)::text as value from syncproof.counts
    where project_id <> ${SHADOW_PROJECT} group by 1, 2`.execute(db)
  return rows.map((row) => ({ ...row, labels: asText(row.labels), value: Number(row.value) }))
}

async function listSystems(db: Database): ReturnType<CountStore['systems']> {
  const { rows } = await sql<{ entity_type: string; system: string }>`
    select distinct entity_type, target as system from syncproof.pairs
    where project_id <> ${SHADOW_PROJECT} and configured order by 1, 2
    limit ${LABEL_VALUES_MAX}`.execute(db)
  return rows
}

/** Label values are text to Prometheus; in the table some are booleans or numbers. */
function asText(labels: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, String(value)]))
}

async function foldCounts(db: Database): Promise<boolean> {
  const startMs = performance.now()
  while ((await foldSome(db)) === CHANGES_AT_ONCE) {
    if (performance.now() - startMs > FOLD_MS_MAX) return false
  }
  return true
}

/** One statement, so that whoever reads sees all of it or nothing. Rows that another one is folding are left to it. */
async function foldSome(db: Database): Promise<number> {
  const { rows } = await sql<{ changes: number }>`
    with gone as (
      delete from syncproof.count_changes
      where id in (select id from syncproof.count_changes order by id limit ${CHANGES_AT_ONCE} for update skip locked)
      returning id, project_id, metric, labels, value),
    added as (
      select row_number() over () as n, project_id, metric, labels, sum(value) as value, min(id) as first_id
      from gone group by project_id, metric, labels),
    parts as materialized (
      select n, project_id, key as label, value, name, first_id from (
        select n, project_id, key, first_id, case when key = any(${OPEN_LABELS}) and length(text) > ${LABEL_LENGTH_MAX}
          then left(text, ${LABEL_LENGTH_MAX - 1}) || '…' else text end as name
        from added, jsonb_each_text(labels) as part(key, text)) as cut,
        to_jsonb(name) as value),
    fresh as (
      select project_id, label, name as value, min(first_id) as first_id
      from parts
      where label = any(${OPEN_LABELS}) and not exists (
        select from syncproof.count_labels as known
        where known.project_id = parts.project_id and known.label = parts.label and known.value = name)
      group by 1, 2, 3),
    taken as (
      select project_id, label, count(*) as values from syncproof.count_labels group by 1, 2),
    named as (
      insert into syncproof.count_labels (project_id, label, value)
      select project_id, label, value from (
        select project_id, label, value,
          row_number() over (partition by project_id, label order by first_id) + coalesce(taken.values, 0) as number
        from fresh left join taken using (project_id, label)) as numbered
      where number <= ${LABEL_VALUES_MAX}
      on conflict do nothing
      returning project_id, label, value),
    known as (
      select project_id, label, value from syncproof.count_labels union all table named),
    shown as (
      select n, jsonb_object_agg(parts.label, case when parts.label <> all(${OPEN_LABELS}) or known.value is not null
        then parts.value else to_jsonb(${OVERFLOW}::text) end) as labels
      from parts left join known
        on known.project_id = parts.project_id and known.label = parts.label and known.value = parts.name
      group by n),
    folded as (
      select project_id, metric, coalesce(shown.labels, '{}') as labels, value from added left join shown using (n)),
    saved as (
      insert into syncproof.counts as known (project_id, metric, labels, value)
      select project_id, metric, labels, sum(value) from folded group by 1, 2, 3 order by 1, 2, 3
      on conflict (project_id, metric, labels) do update set value = known.value + excluded.value)
    select count(*)::integer as changes from gone`.execute(db)
  return rows[0]?.changes ?? 0
}

async function oldestDivergences(db: Database): ReturnType<CountStore['oldestDivergences']> {
  const { rows } = await sql<{ entity_type: string; system: string; since_ms: number }>`
    select entity_type, system, min(since_ms) as since_ms from (
      select distinct project_id, labels->>'entity_type' as entity_type, labels->>'system' as system
      from syncproof.counts
      where project_id <> ${SHADOW_PROJECT}
        and metric = 'findings' and value > 0 and labels->>'status' = 'open'
        and labels->>'kind' in ('missing-in-target', 'unexpected-in-target', 'field-mismatch')
        and labels->>'baseline' = 'false') as divergent
    cross join lateral (
      select extract(epoch from coalesce(reopened_at, first_seen_at))::double precision * 1000 as since_ms
      from syncproof.findings
      where project_id = divergent.project_id and entity_type = divergent.entity_type
        and details->>'target' = divergent.system
        and status = 'open' and kind in ('missing-in-target', 'unexpected-in-target', 'field-mismatch')
        and coalesce(details->>'baseline', 'false') = 'false'
      order by coalesce(reopened_at, first_seen_at) limit 1) as oldest
    group by 1, 2`.execute(db)
  return rows.map(({ since_ms, ...row }) => ({ ...row, sinceMs: since_ms }))
}

async function nearestMisses(db: Database): ReturnType<CountStore['nearestMisses']> {
  const { rows } = await sql<{ operation: string; kind: string; ms: number }>`
    select operation, kind, min((details->'traffic'->>'nearest_miss_ms')::double precision) as ms
    from (select operation, kind, details from syncproof.findings
      where project_id <> ${SHADOW_PROJECT}
        and verdict = 'hazard' and status in ('open', 'acknowledged') and operation is not null
      limit ${HAZARDS_MAX}) as hazard
    where details->'traffic'->'nearest_miss_ms' <> 'null'::jsonb
    group by 1, 2`.execute(db)
  return rows
}

async function lastReleases(db: Database): ReturnType<CountStore['releases']> {
  const { rows } = await sql<{ service: string; release: string; since_ms: number }>`
    select service, release, extract(epoch from min(first_seen_at))::double precision * 1000 as since_ms
    from syncproof.processes where project_id <> ${SHADOW_PROJECT} and release is not null
    group by 1, 2 order by 3 desc, 1, 2 limit ${RELEASES_MAX}`.execute(db)
  return rows.map(({ since_ms, ...row }) => ({ ...row, sinceMs: since_ms }))
}
