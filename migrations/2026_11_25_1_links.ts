import { type Kysely, sql } from 'kysely'

/** Why: findings about two operations. `event_links` says under which links an event is found (a version of a row, a
 *  section, a key that should be created once); links are stored, and committed, before the event is judged, so that
 *  of two operations whichever is judged last finds the other. `processes.end_event` is what orphaned operations rest
 *  on. `hazard_calls` and `hazard_traffic` count the calls of functions that show a hazard.
 *
 *  A link is dead when its event has expired: `delete from syncproof.event_links where event_id < first_id_of(day)`.
 *
 *  Locks: ACCESS EXCLUSIVE on `detection_cursors` (four rows) and `processes`, for a moment: the new columns have no
 *  value to write. Events that were judged before have no links; they are not looked at again.
 *  Undo: drop the three tables and the two columns. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table syncproof.detection_cursors add column linked bigint`.execute(db)
  await sql`update syncproof.detection_cursors set linked = position`.execute(db)
  await sql`alter table syncproof.detection_cursors alter column linked set not null`.execute(db)
  await sql`alter table syncproof.processes add column end_event jsonb`.execute(db)
  // the hash alone: who looks a link up compares what it finds by itself
  await sql`
    create table syncproof.event_links (
      project_id text not null,
      link_hash bigint not null,
      event_id uuid not null,
      operation_id uuid not null,
      primary key (project_id, link_hash, event_id)
    )`.execute(db)
  await sql`
    create function syncproof.link_hash(link text) returns bigint
    language sql immutable parallel safe
    return hashtextextended(link, 0)`.execute(db)
  await createHazards(db)
}

/** Milliseconds since 1970 are kept as they are: what is computed from them is a mean. */
async function createHazards(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.hazard_calls (
      project_id text not null,
      finding_id text not null,
      entity_hash bigint not null,
      calls bigint not null,
      -- the latest call
      from_ms double precision not null,
      until_ms double precision not null,
      primary key (project_id, finding_id, entity_hash)
    )`.execute(db)
  await sql`
    create table syncproof.hazard_traffic (
      project_id text not null,
      finding_id text not null,
      calls bigint not null,
      ordered_pairs double precision not null,
      window_ms_sum double precision not null,
      first_ms double precision not null,
      last_ms double precision not null,
      nearest_miss_ms double precision,
      primary key (project_id, finding_id)
    )`.execute(db)
}
