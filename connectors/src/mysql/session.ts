import { createConnection } from 'mysql2'
import type { Connection } from 'mysql2/promise'

type Row = Record<string, unknown>
/** Bound to a parameter. */
export type Value = string | null

const CONNECT_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 60_000

/** One connection in one read-only transaction that sees one state of the database.
 *
 *  States: open → ended. Exits: `end` by the reader; the signal aborted, which closes the connection under a running
 *  statement; the server or the network. */
export class Session {
  /** When the state that it sees was true, at the latest: RFC 3339. */
  readonly startedAt: string
  readonly #connection: Connection
  readonly #signal: AbortSignal
  readonly #onQuery: () => void
  readonly #onAbort = () => this.#connection.destroy()

  private constructor(connection: Connection, signal: AbortSignal, onQuery: () => void) {
    this.startedAt = new Date().toISOString()
    this.#connection = connection
    this.#signal = signal
    this.#onQuery = onQuery
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Rejects with the driver's error where the database cannot be reached. */
  static async begin(url: string, signal: AbortSignal, onQuery: () => void): Promise<Session> {
    signal.throwIfAborted()
    const connection = createConnection({
      uri: url,
      connectTimeout: CONNECT_TIMEOUT_MS,
      charset: 'utf8mb4',
      // nothing that a server asks for is read from our disk
      flags: ['-LOCAL_FILES'],
      // everything is selected as text
      typeCast: (field) => field.string('utf8'),
    })
    // a server that closes the connection between two statements would otherwise end the process
    connection.on('error', () => {})
    const session = new Session(connection.promise() as Connection, signal, onQuery)
    try {
      await session.#settle()
      return session
    } catch (error) {
      session.#close()
      throw error
    }
  }

  async query(sql: string, values: readonly Value[] = []): Promise<readonly Row[]> {
    this.#signal.throwIfAborted()
    this.#onQuery()
    // values go apart from the statement: no way of quoting is safe in every mode of the server
    const [rows] =
      values.length === 0
        ? await this.#connection.query(sql)
        : await this.#connection.execute(sql, [...values])
    return rows as Row[]
  }

  /** Rows as they come, some hundreds of them ahead. Who stops early must end the session. */
  async *stream(sql: string, values: readonly Value[]): AsyncGenerator<Row> {
    this.#signal.throwIfAborted()
    this.#onQuery()
    const raw = (this.#connection as unknown as { connection: ReturnType<typeof createConnection> })
      .connection
    const rows = raw.execute(sql, [...values]).stream({ highWaterMark: 256 })
    // the driver tells a lost connection to the connection alone: its rows would be waited for without an end
    const fail = (error?: Error) => rows.destroy(error ?? new Error('Connection lost'))
    raw.on('error', fail).on('end', fail)
    try {
      for await (const row of rows) yield row as Row
    } finally {
      raw.off('error', fail).off('end', fail)
    }
  }

  /** Never rejects: nothing was written. */
  async end(): Promise<void> {
    this.#close()
  }

  async #settle(): Promise<void> {
    await this.query("set session time_zone = '+00:00', sql_mode = 'NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'")
    await this.#limitStatements()
    await this.query('set session transaction isolation level repeatable read')
    await this.query('start transaction with consistent snapshot, read only')
  }

  /** MariaDB counts seconds, MySQL milliseconds. */
  async #limitStatements(): Promise<void> {
    const [row] = await this.query('select version() as version')
    const isMariadb = /mariadb/i.test(String(row?.version))
    await this.query(
      isMariadb
        ? `set session max_statement_time = ${STATEMENT_TIMEOUT_MS / 1000}`
        : `set session max_execution_time = ${STATEMENT_TIMEOUT_MS}`,
    )
  }

  #close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#connection.destroy()
  }
}
