import { type Kysely, sql } from 'kysely'

/** Why: the pairs that are configured, their reconciliations with what differed, and the staging area for a
 *  side that cannot be read in key order.
 *
 *  Locks: creates new objects only; nothing that exists is locked.
 *  Undo: drop the tables; every report is lost, the next run of a pair is its baseline again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createPairsAndReports(db)
  await createDivergences(db)
  await createStaging(db)
}

async function createPairsAndReports(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.pairs (
      project_id text not null,
      name text not null,
      entity_type text not null,
      source text not null,
      target text not null,
      every_ms bigint,
      grace_ms bigint not null,
      owner text,
      configured boolean not null,
      primary key (project_id, name)
    )`.execute(db)
  await sql`
    create table syncproof.reports (
      project_id text not null,
      id text not null default gen_random_uuid()::text,
      pair text not null,
      state text not null default 'queued',
      trigger text not null,
      keys jsonb,
      result text,
      problem jsonb,
      baseline boolean not null default false,
      self_test text,
      coverage jsonb,
      diverged bigint not null default 0,
      requested_at timestamptz not null default clock_timestamp(),
      started_at timestamptz,
      heartbeat_at timestamptz,
      finished_at timestamptz,
      -- the worker that was given the newest number is the only one that may write
      fence bigint not null default 0,
      primary key (project_id, id)
    )`.execute(db)
  await sql`create unique index reports_queued_once on syncproof.reports
    (project_id, pair, trigger, md5(coalesce(keys::text, ''))) where state = 'queued'`.execute(db)
  await sql`create index reports_unfinished on syncproof.reports (state, heartbeat_at)
    where state <> 'finished'`.execute(db)
  await sql`create index reports_by_time on syncproof.reports (project_id, requested_at, id)`.execute(db)
  await sql`create index reports_by_pair on syncproof.reports (project_id, pair, requested_at, id)`.execute(
    db,
  )
}

async function createDivergences(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.divergences (
      project_id text not null,
      report_id text not null,
      key text collate "C" not null,
      kind text not null,
      verdict text not null,
      fields jsonb not null,
      reason text,
      finding_id text,
      source_observed_at timestamptz,
      target_observed_at timestamptz,
      primary key (project_id, report_id, key),
      foreign key (project_id, report_id) references syncproof.reports on delete cascade
    )`.execute(db)
}

async function createStaging(db: Kysely<unknown>): Promise<void> {
  // Unlogged: rows that can be read again from their system need no write-ahead log. A crash of the server
  // empties the table, so how many rows there must be is kept where a crash does not reach.
  await sql`
    create unlogged table syncproof.staged_records (
      stage_id text not null,
      key text collate "C" not null,
      fields jsonb not null,
      primary key (stage_id, key)
    )`.execute(db)
  await sql`
    create table syncproof.stages (
      stage_id text primary key,
      records bigint not null
    )`.execute(db)
}
