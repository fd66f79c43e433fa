import { type Kysely, sql } from 'kysely'

/** Why: the books of a process, minute by minute. A process says with every batch how much it has produced and dropped since
 *  it began; what was last said in a minute is kept, so that what is missing has a time, and what is still on its way can
 *  be told from what is lost.
 *
 *  A minute is written down by the first batch of a later one, from the row of the process as it was: an insert a
 *  minute and process, whatever the number of batches, and nothing else. Minutes older than a day go with it, one for each
 *  that comes, and the last ones go with their process.
 *
 *  Locks: SHARE ROW EXCLUSIVE on `processes` for a moment: it gets a trigger, and is referred to.
 *  Undo: drop the trigger, the function and the table. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.process_minutes (
      project_id text not null,
      process_id uuid not null,
      minute timestamptz not null,
      -- when the last batch of the minute came
      reported_at timestamptz not null,
      -- since the process began, as of then
      produced bigint not null,
      stored bigint not null,
      dropped jsonb not null,
      primary key (project_id, process_id, minute),
      foreign key (project_id, process_id) references syncproof.processes on delete cascade
    )`.execute(db)
  await createKeep(db)
  await sql`
    create trigger books_of_minute after update on syncproof.processes
    for each row when (date_trunc('minute', old.last_seen_at) < date_trunc('minute', new.last_seen_at)
      and substr(new.process_id::text, 15, 1) <> '8')
    execute function syncproof.keep_books()`.execute(db)
}

async function createKeep(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.keep_books() returns trigger
    language plpgsql as $$
    begin
      insert into syncproof.process_minutes (project_id, process_id, minute, reported_at, produced, stored, dropped)
      values (old.project_id, old.process_id, date_trunc('minute', old.last_seen_at), old.last_seen_at,
        -- a process that keeps no books has produced at least what arrived
        greatest(old.produced, coalesce(upper(old.seen), 0)), old.stored, old.dropped)
      on conflict do nothing;
      delete from syncproof.process_minutes
      where project_id = old.project_id and process_id = old.process_id
        and minute < date_trunc('minute', old.last_seen_at) - interval '1 day';
      return null;
    end $$`.execute(db)
}
