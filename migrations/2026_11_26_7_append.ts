import { type Kysely, sql } from 'kysely'

/** Why: batches of many requests are stored together, by COPY: it is the fastest way into a table, and one commit is one
 *  flush to disk. COPY refuses a whole group for one id that is there already, so `begin_append` says, under the lane's
 *  lock, whose sequence numbers are all new; the others go through `append_events`, which tells duplicates.
 *
 *  Locks: ACCESS EXCLUSIVE on `events` for a moment: the columns get defaults for new rows, and no row is touched.
 *  Undo: drop the two functions and the two defaults. */
export async function up(db: Kysely<unknown>): Promise<void> {
  // nextval and now() keep COPY's multi-row inserts; clock_timestamp() would end them
  await sql`
    alter table syncproof.events
      alter column position set default nextval('syncproof.event_position'),
      alter column received_at set default now()`.execute(db)
  await createBegin(db)
  await createFinish(db)
}

/** @param p_batches of one lane, each of another process: `[{ project, process, seen }]` */
async function createBegin(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.begin_append(p_lane smallint, p_batches jsonb) returns boolean[]
    language plpgsql as $$
    begin
      -- The sender is told that its events are durable. A server set to something stronger stays so.
      if current_setting('synchronous_commit') = 'off' then
        perform set_config('synchronous_commit', 'on', true);
      end if;
      perform pg_advisory_xact_lock(1398361680, p_lane);
      return array(
        select not coalesce(known.seen && (sent.batch->>'seen')::int8multirange, false)
        from jsonb_array_elements(p_batches) with ordinality as sent(batch, place)
        left join syncproof.processes as known
          on known.project_id = sent.batch->>'project' and known.process_id = (sent.batch->>'process')::uuid
        order by place);
    end $$`.execute(db)
}

/** What the processes say of themselves, as in `append_events`.
 *  @param p_batches `[{ project, report, accepted, ended, seen }]` */
async function createFinish(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.finish_append(p_batches jsonb) returns void
    language sql
    begin atomic
      insert into syncproof.processes as p (project_id, process_id, service, release, host, clock,
        first_seen_at, last_seen_at, produced, dropped, ended, stored, seen)
      select batch->>'project', (batch->'report'->>'id')::uuid, batch->'report'->>'service',
        batch->'report'->>'release', batch->'report'->>'host', batch->'report'->'clock', now(), now(),
        coalesce((batch->'report'->'books'->>'produced')::bigint, 0),
        coalesce(batch->'report'->'books'->'dropped', '{}'), (batch->>'ended')::boolean,
        (batch->>'accepted')::bigint, (batch->>'seen')::int8multirange
      from jsonb_array_elements(p_batches) as sent(batch)
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
        seen = syncproof.newest_ranges(p.seen + excluded.seen);
    end`.execute(db)
}
