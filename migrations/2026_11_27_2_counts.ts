import { type Kysely, sql } from 'kysely'

/** Why: metrics are sums over operations and findings. Summing millions of rows at each scrape costs seconds, and a sum over
 *  rows falls when they expire, which a counter must not. So what changes a sum adds a row to `count_changes` in the same
 *  transaction: nobody waits for anybody, and a transaction that is undone counts nothing. They are folded into `counts`
 *  some seconds later, each once.
 *
 *  `count_labels` holds the names from people's code that have series of their own; the first ones stay for ever, all
 *  later ones are folded together, so that a name with an id in it costs nothing.
 *
 *  Findings are counted by triggers, since they are changed in many ways: found, ended, noted by people, erased, expired.
 *  `reopened_at` tells since when a finding that came back has been open.
 *
 *  Locks: ACCESS EXCLUSIVE on `findings` while those stored are counted and those open are indexed: a second for a million.
 *  Undo: drop the triggers, the function, the index, the column and the three tables. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table syncproof.findings add column reopened_at timestamptz`.execute(db)
  await sql`
    create table syncproof.counts (
      project_id text not null,
      metric text not null,
      labels jsonb not null,
      value bigint not null,
      primary key (project_id, metric, labels)
    )`.execute(db)
  await sql`
    create table syncproof.count_changes (
      id bigint generated always as identity primary key,
      project_id text not null,
      metric text not null,
      labels jsonb not null,
      value bigint not null
    )`.execute(db)
  await sql`
    create table syncproof.count_labels (
      project_id text not null,
      label text not null,
      value text not null,
      primary key (project_id, label, value)
    )`.execute(db)
  // the oldest divergence of a kind of entity in a system is found by one look, however many are open
  await sql`
    create index findings_oldest_divergence on syncproof.findings
      (project_id, entity_type, (details->>'target'), (coalesce(reopened_at, first_seen_at)))
    where status = 'open' and kind in ('missing-in-target', 'unexpected-in-target', 'field-mismatch')
      and coalesce(details->>'baseline', 'false') = 'false'`.execute(db)
  await sql`create index findings_hazards on syncproof.findings (project_id, id) where verdict = 'hazard'`.execute(
    db,
  )
  await createTriggers(db)
  await sql`
    insert into syncproof.count_changes (project_id, metric, labels, value)
    select project_id, 'findings', ${standing}, count(*) from syncproof.findings as finding group by 1, 3
    union all
    select project_id, 'findings_made', ${made}, count(*) from syncproof.findings as finding group by 1, 3`.execute(
    db,
  )
}

/** How a finding stands now. */
const standing = sql`jsonb_strip_nulls(jsonb_build_object('kind', finding.kind, 'verdict', finding.verdict,
  'status', finding.status, 'operation', finding.operation, 'entity_type', finding.entity_type,
  'system', coalesce(finding.details->>'target', finding.details->>'system'), 'baseline', finding.details->'baseline'))`

/** What was found, once and for ever. */
const made = sql`jsonb_strip_nulls(jsonb_build_object('kind', finding.kind, 'verdict', finding.verdict,
  'operation', finding.operation, 'entity_type', finding.entity_type))`

async function createTriggers(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.count_findings() returns trigger
    language plpgsql as $$
    begin
      if tg_op = 'INSERT' then
        insert into syncproof.count_changes (project_id, metric, labels, value)
        select project_id, 'findings', ${standing}, count(*) from after as finding group by 1, 3
        union all
        select project_id, 'findings_made', ${made}, count(*) from after as finding group by 1, 3;
      elsif tg_op = 'DELETE' then
        insert into syncproof.count_changes (project_id, metric, labels, value)
        select project_id, 'findings', ${standing}, -count(*) from before as finding group by 1, 3;
      else
        insert into syncproof.count_changes (project_id, metric, labels, value)
        select project_id, metric, labels, sum(value) from (
          select project_id, 'findings' as metric, ${standing} as labels, 1 as value from after as finding
          union all
          select project_id, 'findings', ${standing}, -1 from before as finding
          union all
          -- seen again with a stronger verdict, or after it was over
          select finding.project_id, 'findings_made', ${made}, 1
          from after as finding join before using (project_id, id)
          where before.verdict <> finding.verdict
            or (before.status = 'resolved' and finding.status = 'open' and before.last_seen_at < finding.last_seen_at)
          union all
          -- what an operation had left split, or nobody knew of, has come right
          select finding.project_id, 'writes_repaired', jsonb_strip_nulls(jsonb_build_object(
              'was', case when finding.verdict = 'proven' then 'split' else 'unknown' end, 'entity_type', finding.entity_type, 'system', finding.details->>'system',
              'within_s', (select min(bound) from unnest(array[60, 300, 600]) as bound
                where (finding.resolution->>'at')::timestamptz <= finding.occurred_at + make_interval(secs => bound)))), 1
          from after as finding join before using (project_id, id)
          where before.status <> 'resolved' and finding.status = 'resolved' and finding.details->>'system' is not null
            and (finding.kind = 'partial-write' or (finding.kind = 'unknown-outcome' and finding.details->>'what' = 'sync'))
            -- the operation counted once, with what it is about
            and exists (select from syncproof.operations as operation
              where operation.project_id = finding.project_id
                and operation.operation_id = (finding.cause->>'operation_id')::uuid
                and operation.entity_type = finding.entity_type and operation.entity_id = finding.entity_id)
        ) as change
        group by project_id, metric, labels
        having sum(value) <> 0;
      end if;
      return null;
    end $$`.execute(db)
  await sql`
    create trigger count_inserted after insert on syncproof.findings referencing new table as after
    for each statement execute function syncproof.count_findings()`.execute(db)
  await sql`
    create trigger count_updated after update on syncproof.findings referencing old table as before new table as after
    for each statement execute function syncproof.count_findings()`.execute(db)
  await sql`
    create trigger count_deleted after delete on syncproof.findings referencing old table as before
    for each statement execute function syncproof.count_findings()`.execute(db)
}
