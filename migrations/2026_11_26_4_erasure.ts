import { type Kysely, sql } from 'kysely'

/** Why: what is known of an entity can be erased. An erased event stays as an empty row of kind `erased`, so that sending it
 *  again brings nothing back. Its sequence number stays in `processes.seen`, because a number that is used twice must be
 *  noticed, and is noted in `processes.erased`: where one is among the numbers of an operation, nobody concludes anything
 *  from what is not there. `operations.erased` says which operations have lost events.
 *
 *  Locks: ACCESS EXCLUSIVE on `operations` and `processes` for a moment: the new columns have a constant for all rows.
 *  Undo: drop the columns and the function, after nothing erased is left in `events`: without the columns what was erased
 *  would be taken for what never happened. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table syncproof.operations add column erased boolean not null default false`.execute(db)
  await sql`
    alter table syncproof.processes
      add column erased int8multirange not null default '{}',
      -- of the erased event that was received last
      add column erased_received_at timestamptz`.execute(db)
  // To call more numbers erased than were can only keep something from being claimed.
  await sql`
    create function syncproof.fewer_ranges(erased int8multirange) returns int8multirange
    language sql stable parallel safe
    return case when pg_column_size(erased) < 16384 then erased else (
      select range_agg(part) from (
        (select part from unnest(erased) as part order by part desc limit 500)
        union all
        select range_merge(range_agg(part))
        from (select part from unnest(erased) as part order by part desc offset 500) as older) as parts) end`.execute(
    db,
  )
}
