import { type Kysely, sql } from 'kysely'

/** Why: events as they arrive, the processes that send them, and the one function that appends.
 *
 *  Events are partitioned by day over their own UUIDv7, so that an id is unique over the whole retention and
 *  expiry is a dropped partition. Positions come from one sequence, drawn under the lane's advisory lock: the
 *  lock is released after the commit is visible, so within a lane a higher position never becomes visible
 *  before a lower one, and a reader that remembers the last position skips nothing.
 *
 *  Locks: creates new objects only; nothing that exists is locked.
 *  Undo: `drop schema syncproof cascade` (this loses every event). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create schema if not exists syncproof`.execute(db)
  await createEvents(db)
  await createProcesses(db)
  await createPartitionFunctions(db)
  await createAppend(db)
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  // cache 1: a cached block would hand one backend numbers that it uses after a later one has committed
  await sql`create sequence syncproof.event_position as bigint cache 1`.execute(db)
  // An index on entity_id itself would refuse ids over 2,700 bytes, so entities are found by hash.
  await sql`
    create table syncproof.events (
      project_id text not null,
      id uuid not null,
      lane smallint not null,
      position bigint not null,
      received_at timestamptz not null,
      process_id uuid not null,
      seq bigint not null,
      kind text not null,
      operation_id uuid,
      entity_type text,
      entity_id text,
      entity_hash bigint,
      at timestamptz not null,
      payload jsonb not null,
      primary key (project_id, id)
    ) partition by range (id)`.execute(db)
  await sql`create index events_by_operation on syncproof.events (project_id, operation_id)
    where operation_id is not null`.execute(db)
  await sql`create index events_by_entity on syncproof.events (project_id, entity_hash, id)
    where entity_hash is not null`.execute(db)
  await sql`create index events_by_lane on syncproof.events (lane, position)`.execute(db)
  await sql`
    create function syncproof.entity_hash(entity_type text, entity_id text) returns bigint
    language sql immutable parallel safe
    return hashtextextended(entity_type || '/' || entity_id, 0)`.execute(db)
}

async function createProcesses(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.processes (
      project_id text not null,
      process_id uuid not null,
      service text not null,
      release text,
      host text,
      clock jsonb,
      first_seen_at timestamptz not null,
      last_seen_at timestamptz not null,
      produced bigint not null,
      dropped jsonb not null,
      ended boolean not null,
      stored bigint not null,
      -- the sequence numbers that are stored: contiguity is one containment test
      seen int8multirange not null,
      primary key (project_id, process_id)
    )`.execute(db)
  await sql`create index processes_by_time on syncproof.processes (project_id, first_seen_at, process_id)`.execute(
    db,
  )
  // A process that samples has a gap for every operation that it left out. Forgetting the oldest ranges can only make an
  // operation look incomplete, which hides a finding and never makes one.
  await sql`
    create function syncproof.newest_ranges(seen int8multirange) returns int8multirange
    language sql stable parallel safe
    return case when pg_column_size(seen) < 32768 then seen else (
      select range_agg(part) from (
        select part from unnest(seen) as part order by part desc limit 1000) as newest) end`.execute(db)
  // A process stays in one lane, and so do its operations. The last digit of a UUID is random or hashed.
  await sql`
    create function syncproof.lane_of(process_id uuid) returns smallint
    language sql immutable parallel safe
    return (('x' || right(process_id::text, 1))::bit(4)::integer % 4)::smallint`.execute(db)
}

async function createPartitionFunctions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.first_id_of(day date) returns uuid
    language sql immutable parallel safe
    return rpad(lpad(to_hex((extract(epoch from day) * 1000)::bigint), 12, '0'), 32, '0')::uuid`.execute(db)
  // ATTACH needs a lock on the parent that readers and writers do not notice; CREATE … PARTITION OF would wait
  // for the longest reader and make everybody else wait behind it.
  await sql`
    create function syncproof.ensure_event_partitions(days date[]) returns void
    language plpgsql as $$
    declare
      wanted date;
      partition text;
    begin
      perform pg_advisory_xact_lock(1398361680, 100);
      foreach wanted in array days loop
        partition := 'events_' || to_char(wanted, 'YYYYMMDD');
        if to_regclass('syncproof.' || partition) is null then
          execute format('create table syncproof.%I (like syncproof.events including defaults)', partition);
          execute format('alter table syncproof.events attach partition syncproof.%I for values from (%L) to (%L)',
            partition, syncproof.first_id_of(wanted), syncproof.first_id_of(wanted + 1));
        end if;
      end loop;
    end $$`.execute(db)
}

async function createAppend(db: Kysely<unknown>): Promise<void> {
  // RFC 3339 allows offsets and years that PostgreSQL does not. One such event may not cost its batch, so it has the
  // time of its id.
  await sql`
    create function syncproof.time_of(event jsonb) returns timestamptz
    language sql stable parallel safe
    return case
      when event->>'at' ~ '^(?!0000)[0-9]{4}-.*(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])$' then (event->>'at')::timestamptz
      else to_timestamp(('x' || translate(left(event->>'id', 13), '-', ''))::bit(48)::bigint / 1000.0)
    end`.execute(db)
  await sql`
    create function syncproof.append_events(
      p_project text, p_process jsonb, p_events jsonb, out accepted integer, out duplicates integer)
    language plpgsql as $$
    declare
      v_process uuid := (p_process->>'id')::uuid;
      v_lane smallint := syncproof.lane_of(v_process);
      v_sent integer := jsonb_array_length(p_events);
      v_now timestamptz := clock_timestamp();
      v_seen int8multirange := '{}';
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

      insert into syncproof.processes as p (project_id, process_id, service, release, host, clock,
        first_seen_at, last_seen_at, produced, dropped, ended, stored, seen)
      values (p_project, v_process, p_process->>'service', p_process->>'release', p_process->>'host',
        p_process->'clock', v_now, v_now, coalesce((p_process->'books'->>'produced')::bigint, 0),
        coalesce(p_process->'books'->'dropped', '{}'), v_ended, accepted, v_seen)
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
    end $$`.execute(db)
}
