import { type Kysely, sql } from 'kysely'

/** Why: how often each declared section held its lock, by service and release. Counted as events are judged, so that a report
 *  reads a row a section and not its runs. A section's name may be longer than an index takes, so a row is found by a
 *  hash of what it counts.
 *
 *  Locks: creates new objects only; nothing that exists is locked. What was judged before is not counted.
 *  Undo: drop the table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.sections (
      project_id text not null,
      id text not null,
      name text not null,
      service text not null,
      release text,
      protections text[] not null,
      held bigint not null,
      not_held bigint not null,
      unknown bigint not null,
      foreign_version bigint not null,
      overlap bigint not null,
      holds_nothing bigint not null,
      undecided bigint not null,
      first_seen_at timestamptz not null,
      last_seen_at timestamptz not null,
      primary key (project_id, id)
    )`.execute(db)
  await sql`create index sections_by_time on syncproof.sections (project_id, first_seen_at, id)`.execute(db)
}
