import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type Transaction } from 'kysely'
import { Pool } from 'pg'
import { withDeadline } from './append/deadline.ts'
import { storeError } from './errors.ts'
import type { PglitePool } from './pglite/index.ts'
import type { Tables } from './tables.ts'

/** A database, or a transaction on one. Tables of ours are always named with their schema: BullMQ shares the
 *  database and may have set a search_path of its own. */
export type Database = Kysely<Tables>
export type Tx = Transaction<Tables>

export type StoreOptions =
  | {
      /** `postgres://…`; PostgreSQL 15 or later. */
      readonly url: string
      /** Connections at most, beside those for appending; 10 by default. */
      readonly poolMax?: number | undefined
      /** Shown in pg_stat_activity; `syncproof` by default. */
      readonly applicationName?: string | undefined
    }
  | {
      /** An open PGlite. It stays the caller's: closing the store leaves it open. */
      readonly pool: PglitePool
    }

const POOL_MAX = 10
/** One a lane, and two for heartbeats, for batches that go alone, and for what is asked before. */
const INGEST_POOL_MAX = 6

/** How long a caller waits for a connection before the database counts as unavailable. */
const CONNECT_TIMEOUT_MS = 5_000

export interface OpenDatabase {
  readonly db: Database
  /** For what is appended, with the key and the horizon that a batch is asked by: reports that take all connections of `db` do
   *  not keep events waiting. `pool` is absent on PGlite, which knows no COPY and is one session anyway. */
  readonly ingest: { readonly db: Database; readonly pool: Pool | undefined }
  close(): Promise<void>
}

/** Prepares a database without connecting to it. */
export function openDatabase(options: StoreOptions): OpenDatabase {
  if ('pool' in options) {
    const db = databaseOn(options.pool)
    return { db, ingest: { db, pool: undefined }, close: () => Promise.resolve() }
  }
  const pool = openPool(options, options.poolMax ?? POOL_MAX)
  const ingestPool = openPool(options, INGEST_POOL_MAX)
  let closing: Promise<unknown> | undefined
  return {
    db: databaseOn(pool),
    ingest: { db: databaseOn(ingestPool, withDeadline), pool: ingestPool },
    async close() {
      closing ??= Promise.all([pool.end(), ingestPool.end()])
      await closing
    },
  }
}

/** How one statement is run on its connection. */
type RunQuery = typeof withDeadline

function databaseOn(pool: Pool, run: RunQuery = (_, query) => query()): Database {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: translatingPool(pool, run) }) })
}

function openPool(options: Extract<StoreOptions, { url: string }>, max: number): Pool {
  const pool = new Pool({
    connectionString: options.url,
    max,
    application_name: options.applicationName ?? 'syncproof',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  })
  // A connection that breaks emits 'error', on the pool while it is idle and on itself while it is in use. Nobody
  // listening would end the process; whoever uses it next is told by the query that fails.
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  return pool
}

function ignore(): void {}

/** The same pool, whose failures to connect and to answer are `StoreUnavailableError`. */
function translatingPool(pool: Pool, run: RunQuery): PostgresPool {
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect(): Promise<PostgresPoolClient> {
      const client = await pool.connect().catch(rethrow)
      // Kysely without a cursor sends text and parameters only.
      const query = (text: string, values: readonly unknown[]) =>
        run(client, () => client.query(text, [...values])).catch(rethrow)
      return {
        query: query as unknown as PostgresPoolClient['query'],
        release: (destroy) => client.release(destroy),
      }
    },
  }
}

function rethrow(error: unknown): never {
  throw storeError(error)
}
