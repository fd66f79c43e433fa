import { type Kysely, sql } from 'kysely'

/** Why: a key can be revoked, and is listed with when it was last used. A revoked key keeps its row: who still sends it is
 *  told so, and it cannot come back by being given again as SYNCPROOF_API_KEY.
 *
 *  Locks: ACCESS EXCLUSIVE on `api_keys` for a moment: the new columns have no value to write.
 *  Undo: delete the revoked rows first, else they open again; then drop the two columns. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table syncproof.api_keys
      -- coarse: written at most once a minute
      add column last_used_at timestamptz,
      add column revoked_at timestamptz`.execute(db)
}
