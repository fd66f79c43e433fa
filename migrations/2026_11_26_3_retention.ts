import { type Kysely, sql } from 'kysely'

/** Why: nothing is kept for ever that grows. `retention` says how long each kind of row is kept, since when nothing older
 *  is, and how much has gone. Partitions of a day are made ahead of time and dropped as a whole; the links of events are
 *  partitioned as the events are, because as many of them expire a day. What an operation did may be gone while
 *  the operation is still known: `operations.first_event_id`, `operations.last_seq` and `processes.closed_below` tell, so that
 *  nobody takes what has expired for what never happened.
 *
 *  Locks: ACCESS EXCLUSIVE on `event_links` while its rows are written into their partitions (a minute for some ten
 *  million), SHARE on `operations` and `inconsistent_events` while an index is built, ACCESS EXCLUSIVE on `operations`,
 *  `processes` and `finding_groups` for a moment: the new columns have a constant for all rows.
 *  Undo: put back `ensure_event_partitions` of 2026_11_20_1 and `next_events` of 2026_11_20_2, drop the new functions, the table, the
 *  columns and the indexes. The links may stay as they are. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createRetention(db)
  await rememberWhatExpires(db)
  await partitionLinks(db)
  await createPartitionFunctions(db)
  await createTailing(db)
}

const DAY_MS = 86_400_000

async function createRetention(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table syncproof.retention (
      -- events; events.<kind> for a kind that is kept for a shorter time; findings.open …
      subject text primary key,
      -- null: for ever; of a kind of event, as long as all events
      keep_ms bigint check (keep_ms > 0),
      -- nothing older is kept: set before anything is removed, and never set back
      gone_before timestamptz,
      -- everything older has been removed
      done_before timestamptz,
      -- rows removed so far; of dropped partitions, about
      expired bigint not null default 0,
      -- when the last pass over all that is due ended
      worked_at timestamptz
    )`.execute(db)
  await sql`
    insert into syncproof.retention (subject, keep_ms)
    values ('events', ${30 * DAY_MS}::bigint), ('operations', ${90 * DAY_MS}::bigint),
      ('processes', ${90 * DAY_MS}::bigint), ('findings.open', ${400 * DAY_MS}::bigint),
      ('findings.resolved', ${400 * DAY_MS}::bigint), ('reports', ${90 * DAY_MS}::bigint),
      ('sections', ${400 * DAY_MS}::bigint), ('hazards', ${90 * DAY_MS}::bigint)`.execute(db)
  await sql`
    create function syncproof.first_id_at(moment timestamptz) returns uuid
    language sql stable parallel safe
    return rpad(lpad(to_hex(greatest(0, floor(extract(epoch from moment) * 1000))::bigint), 12, '0'), 32, '0')::uuid`.execute(
    db,
  )
  // An operation with an event below this one may have lost some of its events.
  await sql`
    create function syncproof.event_horizon() returns uuid
    language sql stable parallel safe
    return (select coalesce(syncproof.first_id_at(max(gone_before)), '00000000-0000-0000-0000-000000000000')
      from syncproof.retention where subject = 'events' or subject like 'events.%')`.execute(db)
}

async function rememberWhatExpires(db: Kysely<unknown>): Promise<void> {
  // the greatest sequence number of the operation; null of what was projected before
  await sql`alter table syncproof.operations add column last_seq bigint`.execute(db)
  await sql`create index operations_by_first_event on syncproof.operations (first_event_id)`.execute(db)
  // operations with sequence numbers below are not known any more
  await sql`alter table syncproof.processes add column closed_below bigint not null default 0`.execute(db)
  // findings that were not over when they expired: that they are not there says nothing
  await sql`alter table syncproof.finding_groups add column forgotten bigint not null default 0`.execute(db)
  await sql`create index inconsistent_events_by_id on syncproof.inconsistent_events (event_id)`.execute(db)
}

async function partitionLinks(db: Kysely<unknown>): Promise<void> {
  await sql`alter table syncproof.event_links rename to event_links_unpartitioned`.execute(db)
  await sql`alter index syncproof.event_links_pkey rename to event_links_unpartitioned_pkey`.execute(db)
  await sql`
    create table syncproof.event_links (
      project_id text not null,
      link_hash bigint not null,
      event_id uuid not null,
      operation_id uuid not null,
      primary key (project_id, link_hash, event_id)
    ) partition by range (event_id)`.execute(db)
}

/** Whoever appends may make a partition, and whoever expires may drop what has expired, without owning the tables: these
 *  functions run as their owner and do nothing else. */
async function createPartitionFunctions(db: Kysely<unknown>): Promise<void> {
  await createAttach(db)
  await sql`
    create or replace function syncproof.ensure_event_partitions(days date[]) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
      wanted date;
      gone date;
    begin
      perform pg_advisory_xact_lock(1398361680, 100);
      select (gone_before at time zone 'UTC')::date into gone from syncproof.retention where subject = 'events';
      foreach wanted in array days loop
        -- nobody would know any more what was stored twice
        if wanted < gone then
          raise exception 'Events of % have expired', wanted using errcode = 'object_not_in_prerequisite_state';
        end if;
        perform syncproof.attach_event_partition('events', wanted);
        perform syncproof.attach_event_partition('event_links', wanted);
      end loop;
    end $$`.execute(db)
  await moveLinks(db)
  await createDetach(db)
}

/** ATTACH needs a lock on the parent that readers and writers do not notice; CREATE … PARTITION OF would wait for the
 *  longest reader and make everybody else wait behind it. */
async function createAttach(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.attach_event_partition(parent text, day date) returns void
    language plpgsql set search_path = pg_catalog, pg_temp as $$
    declare
      partition text := parent || '_' || to_char(day, 'YYYYMMDD');
    begin
      if to_regclass('syncproof.' || partition) is null then
        execute format('create table syncproof.%I (like syncproof.%I including defaults)', partition, parent);
        execute format('alter table syncproof.%I attach partition syncproof.%I for values from (%L) to (%L)',
          parent, partition, syncproof.first_id_of(day), syncproof.first_id_of(day + 1));
      end if;
    end $$`.execute(db)
}

async function moveLinks(db: Kysely<unknown>): Promise<void> {
  await sql`
    select syncproof.ensure_event_partitions(array(
      select to_date(right(relname, 8), 'YYYYMMDD')
      from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = 'syncproof.events'::regclass
      union
      select distinct (to_timestamp(('x' || translate(left(event_id::text, 13), '-', ''))::bit(48)::bigint / 1000.0)
        at time zone 'UTC')::date
      from syncproof.event_links_unpartitioned))`.execute(db)
  await sql`insert into syncproof.event_links select * from syncproof.event_links_unpartitioned`.execute(db)
  await sql`drop table syncproof.event_links_unpartitioned`.execute(db)
}

/** DETACH locks out everybody for a moment. Whoever waits for that lock makes all others wait behind it, so it waits a
 *  tenth of a second at most and fails with 55P03: the caller tries again later. DETACH CONCURRENTLY needs the table's
 *  owner, and waits for every transaction. Dropping what is detached concerns nobody. */
async function createDetach(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function syncproof.detach_event_partition(parent text, day date) returns boolean
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '100ms' as $$
    declare
      partition text := parent || '_' || to_char(day, 'YYYYMMDD');
    begin
      if parent not in ('events', 'event_links') then
        raise exception '% has no partitions of a day', parent;
      end if;
      if not exists (select from syncproof.retention where subject = 'events'
        and gone_before >= (day + 1)::timestamp at time zone 'UTC')
      then
        raise exception 'Events of % are still kept', day;
      end if;
      if not exists (select from pg_inherits where inhparent = format('syncproof.%I', parent)::regclass
        and inhrelid = to_regclass(format('syncproof.%I', partition)))
      then
        return false;
      end if;
      execute format('alter table syncproof.%I detach partition syncproof.%I', parent, partition);
      return true;
    end $$`.execute(db)
  await sql`
    create function syncproof.drop_detached_partitions() returns integer
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
    declare
      partition text;
      dropped integer := 0;
    begin
      perform pg_advisory_xact_lock(1398361680, 100);
      for partition in
        select relname from pg_class
        where relnamespace = 'syncproof'::regnamespace and relkind = 'r' and not relispartition
          and relname ~ '^(events|event_links)_[0-9]{8}$'
          and to_date(right(relname, 8), 'YYYYMMDD') < (
            select (gone_before at time zone 'UTC')::date from syncproof.retention where subject = 'events')
      loop
        execute format('drop table syncproof.%I', partition);
        dropped := dropped + 1;
      end loop;
      return dropped;
    end $$`.execute(db)
}

/** As in 2026_11_20_2, planned once a session: planning over 365 partitions takes longer than looking into them. */
async function createTailing(db: Kysely<unknown>): Promise<void> {
  await sql`
    create or replace function syncproof.next_events(p_lane integer, p_after bigint, p_limit integer)
    returns table (id uuid, project_id text, process_id uuid, operation_id uuid, "position" bigint,
      received_at timestamptz, payload jsonb)
    language plpgsql stable
    set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
    set plan_cache_mode = force_generic_plan as $$
    begin
      return query
        select event.id, event.project_id, event.process_id, event.operation_id, event.position, event.received_at,
          event.payload
        from syncproof.events as event
        where event.lane = p_lane and event.position > p_after
        order by event.position
        limit p_limit;
    end $$`.execute(db)
}
