import { type Kysely, sql } from 'kysely'

/** Why: versions that a write replaced and its operation had not seen, until somebody has looked for the write that made
 *  them. A row lives for an hour at most, so that the table stays small.
 *
 *  Locks: creates new objects only; nothing that exists is locked. Writes that were judged before are not looked at.
 *  Undo: drop the table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.replaced_versions (
      project_id text not null,
      -- of the finding that it becomes where nobody made it
      finding_id text not null,
      version text not null,
      operation_id uuid not null,
      -- the write that replaced it
      event_id uuid not null,
      noticed_at timestamptz not null,
      next_look_at timestamptz not null,
      -- by process: how many events it had produced when it was first heard of after the grace
      aims jsonb not null default '{}',
      -- since when all of those are stored
      whole_at timestamptz,
      -- when the finding was stored
      found_at timestamptz,
      primary key (project_id, finding_id)
    )`.execute(db)
  await sql`create index replaced_versions_due on syncproof.replaced_versions (project_id, next_look_at)`.execute(
    db,
  )
}
