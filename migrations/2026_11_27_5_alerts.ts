import { type Kysely, sql } from 'kysely'

/** Why: what is told to people outside. Alerts are about groups of findings, so divergences get groups, too, by pair; each
 *  state of a group that a sink is to hear of is a row of `alert_deliveries`, written in the transaction that decides it and
 *  sent from there until the sink has it. `told`: by sink, what those have heard last that have not yet heard that it is over.
 *  `maintenance_windows` hold pages back.
 *
 *  Locks: ACCESS EXCLUSIVE on `findings` and `finding_groups` while divergences get their group: seconds for a million.
 *  Undo: drop the two tables, the columns and the function of four arguments. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await groupDivergences(db)
  await createDeliveries(db)
  await createMaintenance(db)
}

async function groupDivergences(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table syncproof.finding_groups
      add column pair text,
      add column severity text not null default 'low',
      add column muted boolean not null default false,
      add column told jsonb not null default '{}',
      add column opened_at timestamptz not null default now()`.execute(db)
  // without a pair it is the id that the group has had
  await sql`
    create function syncproof.finding_group_id(kind text, operation text, entity_type text, pair text) returns text
    language sql immutable parallel safe
    return case when pair is null then syncproof.finding_group_id(kind, operation, entity_type)
      else 'g_' || left(encode(sha256(convert_to(kind || '/' || coalesce(length(operation) || ':' || operation, '-')
        || '/' || coalesce(':' || entity_type, '-') || '/' || pair, 'UTF8')), 'hex'), 32) end`.execute(db)
  await sql`
    with joined as (
      update syncproof.findings
      set group_id = syncproof.finding_group_id(kind, operation, entity_type, details->>'pair')
      where verdict = 'observed' and status <> 'resolved' and details->>'pair' is not null
        and kind in ('missing-in-target', 'unexpected-in-target', 'field-mismatch')
        and coalesce(details->>'baseline', 'false') = 'false'
      returning project_id, group_id, kind, operation, entity_type, details->>'pair' as pair, first_seen_at)
    insert into syncproof.finding_groups (project_id, id, kind, operation, entity_type, pair, status, findings, calls,
      first_seen_at, last_seen_at, opened_at)
    select project_id, group_id, kind, operation, entity_type, pair, 'open', count(*), 0, min(first_seen_at),
      max(first_seen_at), min(first_seen_at)
    from joined
    group by project_id, group_id, kind, operation, entity_type, pair`.execute(db)
  await sql`
    update syncproof.finding_groups as known
    set severity = strongest.severity, opened_at = known.first_seen_at
    from (
      select project_id, group_id,
        (array['low', 'medium', 'high', 'critical'])[max(array_position(array['low', 'medium', 'high', 'critical'], severity))]
          as severity
      from syncproof.findings where group_id is not null group by 1, 2) as strongest
    where strongest.project_id = known.project_id and strongest.group_id = known.id`.execute(db)
  await sql`create index finding_groups_alerting on syncproof.finding_groups (project_id, opened_at, id)
    where status = 'open' or told <> '{}'`.execute(db)
  // whether any of a group is open is asked all the time
  await sql`drop index syncproof.findings_of_group_open`.execute(db)
  await sql`create index findings_of_group on syncproof.findings (project_id, group_id, status)
    where group_id is not null and status in ('open', 'acknowledged')`.execute(db)
  // and its newest one when it is over
  await sql`create index findings_newest_of_group on syncproof.findings (project_id, group_id, last_seen_at)
    where group_id is not null`.execute(db)
}

async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.alert_deliveries (
      project_id text not null,
      group_id text not null,
      sink text not null,
      -- those of one group and sink are sent in this order
      number bigint generated always as identity primary key,
      state text not null,
      message jsonb not null,
      status text not null default 'waiting',
      attempts integer not null default 0,
      due_at timestamptz not null default clock_timestamp(),
      leased_until timestamptz not null default '-infinity',
      -- what came back last
      answer text,
      created_at timestamptz not null default clock_timestamp(),
      ended_at timestamptz,
      refreshed_at timestamptz,
      check (state in ('firing', 'acknowledged', 'resolved')),
      check (status in ('waiting', 'delivered', 'given_up')),
      check ((status = 'waiting') = (ended_at is null))
    )`.execute(db)
  await sql`create index alert_deliveries_of_group on syncproof.alert_deliveries (project_id, group_id, number)`.execute(
    db,
  )
  await sql`create index alert_deliveries_waiting on syncproof.alert_deliveries (project_id, sink, group_id, number)
    where status = 'waiting'`.execute(db)
  await sql`create index alert_deliveries_ended on syncproof.alert_deliveries (ended_at)
    where ended_at is not null`.execute(db)
}

async function createMaintenance(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.maintenance_windows (
      project_id text not null,
      id text not null default 'm_' || left(replace(gen_random_uuid()::text, '-', ''), 12),
      -- null: all
      pairs text[],
      reason text not null,
      starts_at timestamptz not null,
      ends_at timestamptz not null,
      -- named in the configuration, and gone from here when it is gone from there
      configured boolean not null default false,
      primary key (project_id, id),
      check (starts_at <= ends_at)
    )`.execute(db)
  await sql`alter table syncproof.reports add column maintenance text`.execute(db)
}
