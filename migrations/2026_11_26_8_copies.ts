import { type Kysely, sql } from 'kysely'

/** Why: an id that comes again with other content is marked in the transaction that tells it is a duplicate. Else as in
 *  2026_11_25_3.
 *
 *  Locks: none; `mark_copies` comes with 2026_11_26_9, and is looked up when it is called.
 *  Undo: put back `append_events` of 2026_11_25_3. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function syncproof.append_events(
      p_project text, p_process jsonb, p_events jsonb, out accepted integer, out duplicates integer)
    language plpgsql as $$
    declare
      v_process uuid := (p_process->>'id')::uuid;
      v_lane smallint := syncproof.lane_of(v_process);
      v_sent integer := jsonb_array_length(p_events);
      v_now timestamptz := clock_timestamp();
      v_seen int8multirange := '{}';
      v_before int8multirange;
      v_inconsistent integer := 0;
      v_ended boolean := false;
    begin
      -- The sender is told that its events are durable. A server set to something stronger stays so.
      if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
      end if;
      accepted := 0;
      if v_sent > 0 then
        perform pg_advisory_xact_lock(1398361680, v_lane);
        v_now := clock_timestamp();
        with stored as (
          insert into syncproof.events (project_id, id, lane, position, received_at, process_id, seq, kind,
            operation_id, entity_type, entity_id, entity_hash, at, payload)
          select p_project, (event->>'id')::uuid, v_lane, nextval('syncproof.event_position'), v_now, v_process,
            (event->>'seq')::bigint, event->>'kind', (event->>'operation_id')::uuid,
            event->'entity'->>'type', event->'entity'->>'id',
            syncproof.entity_hash(event->'entity'->>'type', event->'entity'->>'id'),
            syncproof.time_of(event), event
          from jsonb_array_elements(p_events) as sent(event)
          on conflict do nothing
          returning seq, kind)
        select count(*), coalesce(range_agg(int8range(seq, seq + 1)), '{}'),
          coalesce(bool_or(kind = 'process_ended'), false)
        into accepted, v_seen, v_ended
        from stored;
      end if;
      duplicates := v_sent - accepted;
      if accepted > 0 then
        -- nobody else appends for this process while the lane is locked
        select seen into v_before from syncproof.processes
        where project_id = p_project and process_id = v_process;
        if v_before && v_seen or accepted > (select sum(upper(part) - lower(part)) from unnest(v_seen) as part) then
          v_inconsistent := syncproof.mark_numbers_used_twice(p_project, v_process, p_events, v_now, v_before);
        end if;
      end if;

      insert into syncproof.processes as p (project_id, process_id, service, release, host, clock,
        first_seen_at, last_seen_at, produced, dropped, ended, stored, seen, inconsistent)
      values (p_project, v_process, p_process->>'service', p_process->>'release', p_process->>'host',
        p_process->'clock', v_now, v_now, coalesce((p_process->'books'->>'produced')::bigint, 0),
        coalesce(p_process->'books'->'dropped', '{}'), v_ended, accepted, v_seen, v_inconsistent)
      on conflict (project_id, process_id) do update set
        service = excluded.service,
        release = excluded.release,
        host = excluded.host,
        clock = coalesce(excluded.clock, p.clock),
        last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at),
        -- Batches overtake each other: the books that count more are the later ones.
        dropped = case when excluded.produced >= p.produced then excluded.dropped else p.dropped end,
        produced = greatest(p.produced, excluded.produced),
        ended = p.ended or excluded.ended,
        stored = p.stored + excluded.stored,
        inconsistent = p.inconsistent + excluded.inconsistent,
        seen = syncproof.newest_ranges(p.seen + excluded.seen);
      if duplicates > 0 then
        -- in this transaction: nobody judges the process as one that never contradicted itself in between
        perform syncproof.mark_copies(p_project, v_process, p_events);
      end if;
    end $$`.execute(db)
}
