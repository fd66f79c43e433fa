import { type Kysely, sql } from 'kysely'

/** Why: API keys, by their SHA-256 only, so that a copy of the database opens nothing.
 *
 *  Locks: creates a new table only; nothing that exists is locked.
 *  Undo: `drop table syncproof.api_keys`; every client needs a new key. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.api_keys (
      id text primary key default gen_random_uuid()::text,
      project_id text not null,
      name text not null,
      sha256 bytea not null unique,
      scopes jsonb not null,
      created_at timestamptz not null default now()
    )`.execute(db)
}
