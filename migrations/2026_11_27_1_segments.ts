import { type Kysely, sql } from 'kysely'

/** Why: a reconciliation is taken apart into segments that any number of workers compare, each where the last one left
 *  off. What a segment has found, and how far a listing has been staged, is kept here, so that a worker may be killed at
 *  any point. A record that its system calls deleted is staged as such.
 *  A report says by which version of the pair's field rules it compared: by others, what differs is no news.
 *
 *  Rows live while their report runs: they go with the end of it.
 *
 *  Locks: ACCESS EXCLUSIVE on `reports` and `staged_records` for a moment: new columns without a rewrite.
 *  Undo: drop the two tables and the three columns; runs that are under way are begun anew. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // about how many records there are to compare, for who waits
  await sql`alter table syncproof.reports add column estimated_records bigint`.execute(db)
  // null: of a run before there were versions
  await sql`alter table syncproof.reports add column rules text`.execute(db)
  await sql`alter table syncproof.staged_records add column deleted boolean not null default false`.execute(
    db,
  )
  await sql`
    create table syncproof.report_segments (
      project_id text not null,
      report_id text not null,
      number integer not null,
      -- null: all records
      range jsonb,
      state text not null default 'queued',
      -- the worker that was given the newest number is the only one that may write
      fence bigint not null default 0,
      heartbeat_at timestamptz,
      -- how far each side has been staged
      checkpoint jsonb,
      source_records bigint not null default 0,
      target_records bigint not null default 0,
      agreed bigint not null default 0,
      -- suspects that were not kept
      overflow bigint not null default 0,
      requests bigint not null default 0,
      problem jsonb,
      primary key (project_id, report_id, number),
      foreign key (project_id, report_id) references syncproof.reports on delete cascade
    )`.execute(db)
  await sql`
    create table syncproof.report_suspects (
      project_id text not null,
      report_id text not null,
      number integer not null,
      key text collate "C" not null,
      kind text not null,
      fields jsonb not null,
      -- one short text for the state of the source that the target was held against
      source_state text not null,
      seen_at timestamptz not null,
      primary key (project_id, report_id, number, key),
      foreign key (project_id, report_id, number) references syncproof.report_segments on delete cascade
    )`.execute(db)
}
