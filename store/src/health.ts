import { sql } from 'kysely'
import type { Database } from './database.ts'
import { SHADOW_PROJECT } from './shadow-project.ts'
import type { ActivityHealth, HealthStore, PartitionHealth, ProcessHealth, ServerHealth } from './store.ts'

const PROCESSES_MAX = 1_000

export function healthStore(db: Database): HealthStore {
  return {
    server: () => serverHealth(db),
    partitions: () => partitionHealth(db),
    activity: () => activityHealth(db),
    processes: (sinceMs) => processHealth(db, sinceMs),
  }
}

async function serverHealth(db: Database): Promise<ServerHealth> {
  const { rows } = await sql<ServerHealth & { bytes: string }>`
    select current_setting('server_version') as version, current_setting('server_version_num')::integer as version_num,
      current_user as user, pg_is_in_recovery() as "isStandby",
      (select jsonb_object_agg(name, setting) from pg_settings
        where name in ('synchronous_commit', 'fsync', 'full_page_writes', 'autovacuum')) as settings,
      pg_database_size(current_database()) as bytes,
      jsonb_build_object('tls', (select version from pg_stat_ssl where pid = pg_backend_pid()),
        'from', host(inet_client_addr())) as connection`.execute(db)
  // alone, so that nothing lies between the reading of the two clocks but the way
  const { rows: clock } = await sql<{ ms: number }>`
    select extract(epoch from clock_timestamp())::double precision * 1000 as ms`.execute(db)
  const [row] = rows
  if (!row) throw new Error('the server says nothing of itself')
  const { bytes, ...server } = row
  return { ...server, nowMs: clock[0]?.ms ?? 0, databaseBytes: Number(bytes) }
}

async function partitionHealth(db: Database): Promise<PartitionHealth> {
  const { rows } = await sql<PartitionHealth & { bytes: string }>`
    with partition as (
      select inhparent::regclass::text as parent, relname, pg_total_relation_size(inhrelid) as bytes,
        relname ~ '^(events|event_links)_[0-9]{8}$' as is_day
      from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent in ('syncproof.events'::regclass, 'syncproof.event_links'::regclass)),
    whole as (
      select right(relname, 8) as day from partition where is_day group by 1 having count(*) = 2)
    select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD') as today,
      array(select to_char(to_date(day, 'YYYYMMDD'), 'YYYY-MM-DD') from whole order by day) as days,
      array(select relname::text from partition where not is_day order by 1) as strangers,
      array(
        select relname::text from pg_class
        where relnamespace = 'syncproof'::regnamespace and relkind = 'r' and not relispartition
          and relname ~ '^(events|event_links)_[0-9]{8}$' order by 1) as detached,
      coalesce((select sum(bytes) from partition), 0) as bytes`.execute(db)
  const [row] = rows
  if (!row) throw new Error('the server says nothing of its partitions')
  const { bytes, ...partitions } = row
  return { ...partitions, eventsBytes: Number(bytes) }
}

async function activityHealth(db: Database): Promise<ActivityHealth> {
  const { rows } = await sql<ActivityHealth>`
    select (select count(*)::integer from pg_stat_activity where backend_type = 'client backend') as connections,
      current_setting('max_connections')::integer as "connectionsMax",
      (select coalesce(max(extract(epoch from clock_timestamp() - xact_start)) * 1000, 0)::double precision
        from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()) as "oldestTransactionMs",
      (select coalesce(max(extract(epoch from clock_timestamp() - prepared)) * 1000, 0)::double precision
        from pg_prepared_xacts where database = current_database()) as "oldestPreparedMs",
      (select coalesce(jsonb_agg(jsonb_build_object('name', slot_name,
          'bytes', pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn))), '[]')
        from pg_replication_slots where not active and restart_lsn is not null and not pg_is_in_recovery()) as "idleSlots",
      array(
        select indexrelid::regclass::text from pg_index join pg_class on pg_class.oid = indrelid
        where relnamespace = 'syncproof'::regnamespace and not indisvalid order by 1) as "invalidIndexes"`.execute(
    db,
  )
  const [row] = rows
  if (!row) throw new Error('the server says nothing of what it does')
  return row
}

interface Row extends Omit<ProcessHealth, 'unaccounted' | 'inconsistent'> {
  readonly produced: string
  readonly stored: string
  readonly inconsistent: string
}

async function processHealth(db: Database, sinceMs: number): Promise<readonly ProcessHealth[]> {
  const { rows } = await sql<Row>`
    select project_id as project, process_id as id, service, host, ended, dropped, stored, inconsistent,
      greatest(produced, coalesce(upper(seen), 0)) as produced,
      (extract(epoch from clock_timestamp() - last_seen_at) * 1000)::double precision as "silentMs",
      clock->'offset_ms' as "offsetMs"
    from syncproof.processes
    where project_id <> ${SHADOW_PROJECT} and last_seen_at >= to_timestamp(${sinceMs / 1000}::double precision)
    order by last_seen_at desc limit ${PROCESSES_MAX}`.execute(db)
  return rows.map(({ produced, stored, ...row }) => {
    const dropped = Object.values(row.dropped).reduce((sum, count) => sum + count, 0)
    const unaccounted = Math.max(0, Number(produced) - Number(stored) - dropped)
    return { ...row, unaccounted, inconsistent: Number(row.inconsistent) }
  })
}
