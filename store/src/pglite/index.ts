import { join } from 'node:path'
import { Pool, type PoolConfig } from 'pg'
import { lockDirectory } from './directory-lock.ts'
import { PgliteSession } from './session.ts'
import { PgliteSocket } from './socket.ts'
import { PgliteThread } from './thread-handle.ts'

export { PgliteInUseError } from './directory-lock.ts'
export { PgliteGoneError } from './thread-handle.ts'

export interface PgliteOptions {
  /** Where the database is kept; made where it is missing. Absent: in memory, gone when the pool ends. */
  readonly dir?: string | undefined
}

/** Far more than anybody waits for at once: connections to PGlite cost next to nothing. */
const CONNECTIONS_MAX = 100

/** A pg.Pool whose connections all lead to one PGlite in a thread of this process.
 *
 *  It is one session: settings, LISTEN, session locks, prepared names and temporary tables are shared by all
 *  connections, and while one has a transaction open all others wait. */
export class PglitePool extends Pool {
  readonly #closeDatabase: () => Promise<void>

  constructor(config: PoolConfig, closeDatabase: () => Promise<void>) {
    super(config)
    // each queue and worker of BullMQ listens
    this.setMaxListeners(CONNECTIONS_MAX)
    this.#closeDatabase = closeDatabase
  }

  /** Waits for the connections in use to be released, writes everything to disk and ends the thread. */
  override end(): Promise<void>
  override end(callback: () => void): void
  override end(callback?: () => void): Promise<void> | undefined {
    const ended = super.end().then(() => this.#closeDatabase())
    if (!callback) return ended
    void ended.then(callback)
    return undefined
  }
}

/** Opens PGlite. Acknowledged transactions survive the end of the process, however sudden; not the loss of power,
 *  because PGlite does not fsync.
 *  @throws PgliteInUseError where another process has `dir` open */
export async function openPglite({ dir }: PgliteOptions): Promise<PglitePool> {
  const unlock = dir === undefined ? undefined : await lockDirectory(dir)
  const thread = new PgliteThread({ dataDir: dir && join(dir, 'data') })
  const session = new PgliteSession(thread)
  const pool = new PglitePool(poolConfig(session), async () => {
    await thread.close()
    await unlock?.()
  })
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  try {
    await pool.query('select 1')
  } catch (error) {
    await pool.end()
    throw error
  }
  return pool
}

/** Everything that pg would otherwise take from the environment is given, so that PGHOST or PGSSLMODE change nothing. */
function poolConfig(session: PgliteSession): PoolConfig {
  return {
    stream: () => new PgliteSocket(session) as never,
    host: 'pglite',
    port: 5432,
    user: 'postgres',
    password: '',
    database: 'postgres',
    ssl: false,
    max: CONNECTIONS_MAX,
    idleTimeoutMillis: 0,
    keepAlive: true,
  }
}

/** A connection that breaks tells whoever uses it next; without a listener it would end the process. */
function ignore(): void {}
