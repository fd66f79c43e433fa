import pg from 'pg'

/** What is needed of a pg.Pool; the store's PGlite pool has it too. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
}

export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  /** With an error or true the connection is closed instead of kept. */
  release(error?: Error | boolean): void
  on?(event: 'error', listener: (error: Error) => void): unknown
  off?(event: 'error', listener: (error: Error) => void): unknown
}

const POOL_MAX = 5
const CONNECT_TIMEOUT_MS = 10_000

/** A small pool of the connector's own: connections that hash, as many that list beside them, and one for reads by key.
 *  Each is opened when it is needed. */
export function openPool(url: string): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'syncproof',
    allowExitOnIdle: true,
  })
  // a server that ends an idle connection would otherwise end the process; the next query reports it
  pool.on('error', ignoreError)
  return pool
}

export function ignoreError(): void {}
