import { ignoreError, type PostgresClient, type PostgresPool } from './pool.ts'

const STATEMENT_TIMEOUT_MS = 60_000

/** Local to the transaction, so that a pooled connection is given back as it was. They make `::text` of dates
 *  and numbers exact and the same on every server. PGlite does not know statement timeouts and ignores them. */
const SETTINGS = [
  `set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
  "set local timezone = 'UTC'",
  "set local datestyle = 'ISO, YMD'",
  'set local extra_float_digits = 1',
  "set local intervalstyle = 'postgres'",
  "set local bytea_output = 'hex'",
  // of a large table each short statement would be compiled first, which takes longer than to run it
  'set local jit = off',
].join('; ')

export interface SnapshotOptions {
  readonly heldMsMax: number
  readonly signal: AbortSignal
  readonly onQuery: () => void
  /** `Snapshot.share` of another one that is still open: this one sees the same state. */
  readonly shared?: string | undefined
}

/** One read-only transaction that sees one state of the database.
 *
 *  States: open → ended. Exits: `end` by the reader; `heldMsMax` passed, also while the reader is busy with
 *  something else, because a snapshot that lives on keeps VACUUM from cleaning the whole database; the signal
 *  aborted, which closes the connection under a running statement. */
export class Snapshot {
  /** When the state that it sees was true, at the latest: RFC 3339. */
  readonly startedAt: string
  readonly #client: PostgresClient
  readonly #signal: AbortSignal
  readonly #onQuery: () => void
  readonly #deadline: NodeJS.Timeout
  readonly #onAbort = () => this.#release(true)
  #running: Promise<unknown> = Promise.resolve()
  #ended = false

  private constructor(client: PostgresClient, options: SnapshotOptions) {
    this.startedAt = new Date().toISOString()
    this.#client = client
    this.#signal = options.signal
    this.#onQuery = options.onQuery
    this.#deadline = setTimeout(() => void this.end(), options.heldMsMax).unref()
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
    // a connection that breaks between two statements would otherwise end the process; the next one reports it
    client.on?.('error', ignoreError)
  }

  /** Rejects with the driver's error where the database cannot be reached. */
  static async begin(pool: PostgresPool, options: SnapshotOptions): Promise<Snapshot> {
    options.signal.throwIfAborted()
    const client = await pool.connect()
    const snapshot = new Snapshot(client, options)
    try {
      await snapshot.query('begin transaction isolation level repeatable read read only')
      // before anything that reads
      if (options.shared !== undefined) await snapshot.query(`set transaction snapshot '${options.shared}'`)
      await snapshot.query(SETTINGS)
      return snapshot
    } catch (error) {
      snapshot.#release(true)
      throw error
    }
  }

  get ended(): boolean {
    return this.#ended
  }

  /** A name by which other connections of the database can see this state while it is held. */
  async share(): Promise<string> {
    const [row] = await this.query('select pg_catalog.pg_export_snapshot() as name')
    return String(row?.name)
  }

  async query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]> {
    this.#signal.throwIfAborted()
    this.#onQuery()
    const running = this.#client.query(text, values)
    this.#running = running.catch(ignoreError)
    return (await running).rows
  }

  /** Never rejects: nothing was written, so there is nothing that a failed end could lose. */
  async end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    try {
      // the deadline may come while a statement runs, and a connection takes one at a time
      await this.#running
      await this.#client.query('rollback')
      this.#giveBack(false)
    } catch {
      this.#giveBack(true)
    }
  }

  #release(broken: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#giveBack(broken)
  }

  #giveBack(broken: boolean): void {
    clearTimeout(this.#deadline)
    this.#signal.removeEventListener('abort', this.#onAbort)
    this.#client.release(broken)
    // its listener goes last: the driver may report the close that `release` asks for
    if (!broken) this.#client.off?.('error', ignoreError)
  }
}
