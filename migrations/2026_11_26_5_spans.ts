import { type Kysely, sql } from 'kysely'

/** Why: processes that are made of spans number their events by time. Such numbers are far apart, so that each would be a
 *  range of its own in `processes.seen`, and two may be the same without contradicting each other. What tells such a
 *  process is its id, a UUIDv8.
 *
 *  Locks: SHARE ROW EXCLUSIVE on `processes` for a moment: it gets a trigger.
 *  Undo: drop the trigger and both of the new functions, and put back `mark_numbers_used_twice` of 2026_11_25_3. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.is_made_of_spans(process_id uuid) returns boolean
    language sql immutable parallel safe
    return substr(process_id::text, 15, 1) = '8'`.execute(db)
  await sql`
    create function syncproof.forget_numbers_of_spans() returns trigger
    language plpgsql as $$
    begin
      new.seen := '{}';
      return new;
    end $$`.execute(db)
  // spelled out: asked for every batch, a call would cost more than all the rest of it
  await sql`
    create trigger numbers_of_spans before insert or update on syncproof.processes
    for each row when (substr(new.process_id::text, 15, 1) = '8' and not isempty(new.seen))
    execute function syncproof.forget_numbers_of_spans()`.execute(db)
  await createMark(db)
}

/** As in 2026_11_25_3, but for processes that are made of spans. */
async function createMark(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function syncproof.mark_numbers_used_twice(
      p_project text, p_process uuid, p_events jsonb, p_now timestamptz, p_before int8multirange) returns integer
    language plpgsql as $$
    declare
      v_marked integer;
    begin
      if syncproof.is_made_of_spans(p_process) then
        return 0;
      end if;
      insert into syncproof.inconsistent_events (project_id, event_id, process_id, contradicts, noticed_at)
      select p_project, id, p_process, 'sequence', p_now
      from (
        select event.id, event.seq, row_number() over (partition by event.seq order by event.position) as place
        from (select distinct (sent.value->>'id')::uuid as id from jsonb_array_elements(p_events) as sent) as batch
        join syncproof.events as event on event.project_id = p_project and event.id = batch.id
        where event.process_id = p_process and event.received_at = p_now) as numbered
      where place > 1 or coalesce(p_before @> seq, false)
      on conflict do nothing;
      get diagnostics v_marked = row_count;
      return v_marked;
    end $$`.execute(db)
}
