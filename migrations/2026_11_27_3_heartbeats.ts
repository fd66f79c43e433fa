import { type Kysely, sql } from 'kysely'

/** Why: a heartbeat that passes through every stage tells that findings would come, when none do. Each stage keeps the
 *  time at which the newest heartbeat that has passed it began.
 *
 *  Undo: drop the table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.heartbeats (
      stage text primary key,
      began_at timestamptz not null
    )`.execute(db)
}
