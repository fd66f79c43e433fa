import { type Kysely, sql } from 'kysely'

/** Why: whoever looks at an event that is marked inconsistent wants to know which one it contradicts; and an id that comes
 *  again with other content is inconsistent telemetry, too. The second cannot be stored beside the first, which stands, so what
 *  is kept is that it came, from which process, and which members differ: each content once, however often it is sent.
 *
 *  `mark_copies` is called after a batch of which something was there already, and for no other.
 *
 *  A row of `inconsistent_copies` is dead when its event has expired: `delete … where event_id < first_id_of(day)`.
 *
 *  Locks: ACCESS EXCLUSIVE on `inconsistent_events` for a moment: the new column is null for what was marked before.
 *  Undo: drop the function, the table and the column. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // null: not known, or not any more
  await sql`alter table syncproof.inconsistent_events add column contradicted_id uuid`.execute(db)
  await sql`
    create table syncproof.inconsistent_copies (
      project_id text not null,
      -- the event that came first and stands
      event_id uuid not null,
      content_hash bytea not null,
      -- which process sent the copy
      process_id uuid not null,
      -- members of the event that are not the same; process_id among them where another process sent it
      differs text[] not null,
      noticed_at timestamptz not null,
      primary key (project_id, event_id, content_hash)
    )`.execute(db)
  await sql`create index inconsistent_copies_by_id on syncproof.inconsistent_copies (event_id)`.execute(db)
  await createMark(db)
}

/** What was erased is another matter: sending it again is no contradiction. Rows are inserted in one order, so that two who
 *  send one batch at once wait for each other instead of deadlocking. */
async function createMark(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.mark_copies(p_project text, p_process uuid, p_events jsonb) returns integer
    language plpgsql as $$
    declare
      v_marked integer;
    begin
      insert into syncproof.inconsistent_copies
      select distinct on (sent.id, hash) p_project, sent.id, hash, p_process,
        array(
          select left(name, 100)
          from jsonb_each(sent.event || jsonb_build_object('process_id', p_process)) as copy(name, value)
          full join jsonb_each(stands.payload || jsonb_build_object('process_id', stands.process_id))
            as original(name, value) using (name)
          where copy.value is distinct from original.value
          order by name limit 20),
        clock_timestamp()
      from (select (event->>'id')::uuid as id, event from jsonb_array_elements(p_events) as batch(event)) as sent
      cross join lateral (
        select process_id, payload from syncproof.events
        where project_id = p_project and id = sent.id and kind <> 'erased'
        order by id limit 1) as stands
      cross join lateral sha256(convert_to(p_process || sent.event::text, 'UTF8')) as hash
      where stands.payload <> sent.event or stands.process_id <> p_process
      order by sent.id, hash
      on conflict do nothing;
      get diagnostics v_marked = row_count;
      if v_marked > 0 then
        update syncproof.processes set inconsistent = inconsistent + v_marked
        where project_id = p_project and process_id = p_process;
      end if;
      return v_marked;
    end $$`.execute(db)
}
