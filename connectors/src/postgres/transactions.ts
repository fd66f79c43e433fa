import type { TransactionAnswers, TransactionFate } from '@syncproof/core/comparison'
import type { Snapshot } from './snapshot.ts'

/** Asks what became of transactions. It needs no right beyond CONNECT where PUBLIC keeps what PostgreSQL grants it; the
 *  server's unbroken time after a recovery needs `pg_read_all_stats`. Assigns no transaction id.
 *  @param ids 32 bits each, decimal */
export async function askTransactions(
  snapshot: Snapshot,
  ids: readonly string[],
): Promise<TransactionAnswers> {
  const [server = {}] = await snapshot.query(SERVER)
  const cluster = server.may_ask ? (await snapshot.query(CLUSTER))[0]?.id : undefined
  const next = BigInt(String(server.next))
  const whole = new Map(ids.map((id) => [id, nearest(BigInt(id), next)]))
  // the function raises for an id of the future
  const assigned = [...new Set(whole.values())].filter((id) => id >= 0n && id < next).map(String)
  const isPrimary = server.in_recovery === false
  const rows = isPrimary && assigned.length > 0 ? await snapshot.query(STATUS, [assigned]) : []
  const statuses = new Map(rows.map(({ id, status }) => [String(id), status]))
  return {
    database: cluster === undefined ? undefined : `${cluster}-${server.database}`,
    isPrimary,
    unbrokenSince: typeof server.unbroken_since === 'string' ? rfc3339(server.unbroken_since) : undefined,
    now: rfc3339(String(server.now)),
    fates: new Map(
      [...whole].map(([asked, id]) => {
        const status = id >= next ? 'unassigned' : (statuses.get(String(id)) ?? 'forgotten')
        return [asked, { id: String(id), status: status as TransactionFate['status'] }]
      }),
    ),
  }
}

/** Of the 64-bit ids that end in these 32 bits, the one nearest to the next that will be given out. */
function nearest(id: bigint, next: bigint): bigint {
  return next + BigInt.asIntN(32, id - next)
}

/** The session's time zone is UTC. */
function rfc3339(timestamp: string): string {
  return `${timestamp.replace(' ', 'T').replace(/\+00$/, '')}Z`
}

/** A server that has recovered since it was started (a crash, a promotion) has a replay position. It may then have given
 *  out ids twice; its WAL writer begins when it takes writes again. */
const SERVER = `
  select (select d.oid::text from pg_catalog.pg_database d where d.datname = pg_catalog.current_database()) as database,
    pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') as may_ask,
    pg_catalog.pg_is_in_recovery() as in_recovery,
    pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text as next,
    pg_catalog.clock_timestamp()::text as now,
    case when pg_catalog.pg_last_wal_replay_lsn() is null then pg_catalog.pg_postmaster_start_time()::text
      else (select max(a.backend_start)::text from pg_catalog.pg_stat_activity a where a.backend_type = 'walwriter')
    end as unbroken_since`

const CLUSTER = 'select system_identifier::text as id from pg_catalog.pg_control_system()'

const STATUS = `
  select id, pg_catalog.pg_xact_status(id::xid8) as status from pg_catalog.unnest($1::text[]) as id`
