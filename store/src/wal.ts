import { sql } from 'kysely'
import type { Database } from './database.ts'
import type { WalPosition, WalStore } from './store.ts'

export function walStore(db: Database): WalStore {
  return { position: () => position(db), identity: () => identity(db) }
}

async function position(db: Database): Promise<WalPosition> {
  const { rows } = await sql<Omit<WalPosition, 'bytes'> & { readonly bytes: string }>`
    select pg_is_in_recovery() as "isStandby",
      pg_wal_lsn_diff(
        case when pg_is_in_recovery() then coalesce(pg_last_wal_replay_lsn(), '0/0') else pg_current_wal_flush_lsn() end,
        '0/0')::text as bytes,
      extract(epoch from clock_timestamp())::double precision * 1000 as "nowMs",
      extract(epoch from pg_last_xact_replay_timestamp())::double precision * 1000 as "replayedMs"`.execute(
    db,
  )
  const [row] = rows
  if (!row) throw new Error('the server says nothing of its log')
  return { ...row, bytes: BigInt(row.bytes) }
}

/** Asked in two steps: PostgreSQL looks at the right before it looks at the condition. */
async function identity(db: Database): Promise<string | undefined> {
  const { rows } = await sql<{ may: boolean }>`
    select has_function_privilege('pg_catalog.pg_control_system()', 'execute') as may`.execute(db)
  if (!rows[0]?.may) return undefined
  const { rows: asked } = await sql<{ id: string }>`
    select system_identifier || '/' || current_database() as id from pg_catalog.pg_control_system()`.execute(
    db,
  )
  return asked[0]?.id
}
