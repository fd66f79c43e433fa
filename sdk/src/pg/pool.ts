import { type StatusClient, watchStatus } from './driver-status.ts'

/** What is needed of a pool: node-postgres's `Pool` has it. */
export interface PgPool {
  connect(): Promise<PgClient>
}

export interface PgClient extends StatusClient {
  query(text: string, values?: unknown[]): Promise<PgResult>
  release(error?: Error | boolean): void
  on?(event: 'error', listener: () => void): unknown
  removeListener?(event: 'error', listener: () => void): unknown
}

export interface PgResult {
  readonly rows: Record<string, unknown>[]
  readonly rowCount: number | null
  readonly command: string
}

/** Runs something on a connection of the pool. After an error that is not the database's answer the
 *  connection is not used again. */
export async function withClient<T>(pool: PgPool, use: (client: PgClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  watchStatus(client)
  // of a connection that breaks: it also reaches the next statement, and unheard it would end the process
  client.on?.('error', ignore)
  let broken: Error | undefined
  try {
    return await use(client)
  } catch (error) {
    if (!isDatabaseError(error)) broken = error instanceof Error ? error : new Error(String(error))
    throw error
  } finally {
    client.removeListener?.('error', ignore)
    client.release(broken)
  }
}

function ignore(): void {}

function isDatabaseError(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR'
}
