import {
  ListingError,
  type RecordBatch,
  type RecordSource,
  type SourceRecord,
  type TransactionAnswers,
} from '@syncproof/core/comparison'
import type { FieldRules } from '@syncproof/core/contract'
import { BATCH_RECORDS_MAX, inBatches } from '../batches.ts'
import { readTable, type Table } from './catalogue.ts'
import { listingError, saysNoSuchKey } from './errors.ts'
import type { PostgresPool } from './pool.ts'
import type { PostgresTable } from './postgres.ts'
import { Snapshot } from './snapshot.ts'
import { readRow, selectAfter, selectByKey } from './statements.ts'
import { askTransactions } from './transactions.ts'

const SNAPSHOT_HELD_MS_MAX = 60_000
/** Without a held snapshot each page sorts the table anew: larger pages, fewer sorts. */
const UNHELD_PAGE_ROWS = 10_000

export interface SourcePool {
  readonly pool: PostgresPool
  /** The pool to end on `close`, where the connector opened it. */
  readonly owned: { end(): Promise<void> } | undefined
}

export class PostgresSource implements RecordSource {
  readonly name: string
  readonly ordered = true
  readonly #options: PostgresTable
  readonly #pool: SourcePool
  #table: Promise<Table> | undefined
  #queries = 0
  #closed: Promise<void> | undefined

  constructor(options: PostgresTable, pool: SourcePool) {
    this.name = `postgres ${options.table}`
    this.#options = options
    this.#pool = pool
  }

  async *list(signal: AbortSignal): AsyncGenerator<RecordBatch> {
    try {
      const table = await this.#describe(signal)
      yield* this.#listTable(table, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw listingError(error, this.#options.table)
    }
  }

  async get(key: string, signal: AbortSignal): Promise<SourceRecord | undefined> {
    // PostgreSQL's text holds neither a NUL nor a lone surrogate, so no row can have such a key
    if (key === '' || key.includes('\0') || !key.isWellFormed()) return undefined
    try {
      const table = await this.#describe(signal)
      const { sql } = selectByKey(table, this.#options.timestampZone)
      return await this.#within(signal, async (snapshot) => {
        const rows = await snapshot.query(sql, [key])
        if (rows.length > 1) throw this.#duplicateKey()
        return rows[0] && readRow(rows[0], table, snapshot.startedAt)
      })
    } catch (error) {
      if (saysNoSuchKey(error)) return undefined
      signal.throwIfAborted()
      throw listingError(error, this.#options.table)
    }
  }

  async fieldRules(): Promise<FieldRules> {
    try {
      const table = await this.#describe(new AbortController().signal)
      return Object.fromEntries(table.fields.map((column) => [column.name, column.type.rule]))
    } catch (error) {
      throw listingError(error, this.#options.table)
    }
  }

  async transactions(ids: readonly string[], signal: AbortSignal): Promise<TransactionAnswers> {
    try {
      return await this.#within(signal, (snapshot) => askTransactions(snapshot, ids))
    } catch (error) {
      signal.throwIfAborted()
      throw listingError(error, 'pg_xact_status')
    }
  }

  requests(): number {
    return this.#queries
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.owned?.end() ?? Promise.resolve()
    return this.#closed
  }

  /** Pages in key order. A page continues at the last key, not after it: a second row of that key must show. */
  async *#listTable(table: Table, signal: AbortSignal): AsyncGenerator<RecordBatch> {
    const held = this.#pool.owned !== undefined
    const pageRows = held ? BATCH_RECORDS_MAX : UNHELD_PAGE_ROWS
    let last: string | undefined
    for (;;) {
      const snapshot = await this.#begin(signal)
      try {
        const { sql, values } = selectAfter(table, this.#options.timestampZone, last, held ? null : pageRows)
        await snapshot.query(`declare records no scroll cursor for ${sql}`, values)
        do {
          const rows = await snapshot.query(`fetch forward ${pageRows} from records`)
          const { startedAt } = snapshot
          if (!held) await snapshot.end()
          const records = rows.map((row) => readRow(row, table, startedAt))
          const fresh = records[0]?.key === last ? records.slice(1) : records
          last = records.at(-1)?.key ?? last
          yield* inBatches(fresh, signal)
          if (rows.length < pageRows) return
        } while (!snapshot.ended)
      } finally {
        await snapshot.end()
      }
    }
  }

  /** Read once: a listing and the reads by key beside it must see the same columns. */
  #describe(signal: AbortSignal): Promise<Table> {
    this.#table ??= this.#within(signal, (snapshot) => readTable(snapshot, this.#options)).catch((error) => {
      this.#table = undefined
      throw error
    })
    return this.#table
  }

  async #within<T>(signal: AbortSignal, read: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    const snapshot = await this.#begin(signal)
    try {
      return await read(snapshot)
    } finally {
      await snapshot.end()
    }
  }

  #begin(signal: AbortSignal): Promise<Snapshot> {
    const onQuery = () => {
      this.#queries += 1
    }
    return Snapshot.begin(this.#pool.pool, { heldMsMax: SNAPSHOT_HELD_MS_MAX, signal, onQuery })
  }

  #duplicateKey(): ListingError {
    const { table, key } = this.#options
    return new ListingError(
      'duplicate_key',
      `The table ${table} has several rows with one ${key}. Name a column that is unique.`,
    )
  }
}
