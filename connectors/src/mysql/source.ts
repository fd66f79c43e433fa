import {
  type KeyRanges,
  ListingError,
  type ListOptions,
  type RecordBatch,
  type RecordSource,
  type SourceRecord,
} from '@syncproof/core/comparison'
import type { FieldRules } from '@syncproof/core/contract'
import { BATCH_RECORDS_MAX } from '../batches.ts'
import { keyNames, splitKey } from '../compound-key.ts'
import { deletedReader, fieldReader, pathOf, set } from '../field-paths.ts'
import { sourceRecord } from '../source-record.ts'
import { keyOfRow } from '../tables.ts'
import { readTable, type Table } from './catalogue.ts'
import { listingError } from './errors.ts'
import type { MysqlOptions } from './mysql.ts'
import { Session } from './session.ts'
import { ordersOf, selectAfter, selectBoundary, selectByKey } from './statements.ts'

const SNAPSHOT_HELD_MS_MAX = 60_000

export class MysqlSource implements RecordSource {
  readonly name: string
  readonly ordered = true
  readonly #options: MysqlOptions
  readonly #fields: ReturnType<typeof fieldReader>
  readonly #isDeleted: ReturnType<typeof deletedReader>
  #table: Promise<Table> | undefined
  #queries = 0

  constructor(options: MysqlOptions) {
    this.name = `mysql ${options.table}`
    this.#options = options
    this.#fields = fieldReader(options.fields)
    this.#isDeleted = deletedReader(options.deleted)
  }

  async *list(signal: AbortSignal, { range, after }: ListOptions = {}): AsyncGenerator<RecordBatch> {
    let last = after
    for (let isWhole = false; !isWhole; ) {
      const session = await this.#named(signal, () => this.#begin(signal))
      const untilMs = performance.now() + SNAPSHOT_HELD_MS_MAX
      try {
        const table = await this.#named(signal, () => this.#describe(session))
        const { sql, values } = selectAfter(table, last, range)
        let records: SourceRecord[] = []
        isWhole = true
        for await (const row of this.#rows(session, sql, values, signal)) {
          records.push(this.#read(row, table, session))
          if (records.length < BATCH_RECORDS_MAX) continue
          last = records.at(-1)?.key
          yield last === undefined ? { records } : { records, position: last }
          records = []
          isWhole = performance.now() < untilMs
          if (!isWhole) break
        }
        if (records.length > 0) yield { records }
      } finally {
        await session.end()
      }
    }
  }

  async get(key: string, signal: AbortSignal): Promise<SourceRecord | undefined> {
    const parts = splitKey(key, keyNames(this.#options.key).length)
    if (parts === undefined || key === '' || !key.isWellFormed()) return undefined
    return this.#within(signal, async (session) => {
      const table = await this.#describe(session)
      const statement = selectByKey(table, key, parts)
      const rows = statement ? await session.query(statement.sql, statement.values) : []
      if (rows.length > 1) {
        const detail = `The table ${this.#options.table} has several rows with one ${keyNames(this.#options.key).join(', ')}. Name a column that is unique.`
        throw new ListingError('duplicate_key', detail)
      }
      return rows[0] && this.#read(rows[0], table, session)
    })
  }

  async fieldRules(): Promise<FieldRules> {
    const table = await this.#within(new AbortController().signal, (session) => this.#describe(session))
    const named = Object.entries(this.#options.fields ?? {}).map(([name, path]) => [
      pathOf(path).join('.'),
      name,
    ])
    const names = new Map(named as [string, string][])
    return Object.fromEntries(table.fields.map(({ name, type }) => [names.get(name) ?? name, type.rule]))
  }

  async ranges(signal: AbortSignal): Promise<KeyRanges> {
    return this.#within(signal, async (session) => {
      const table = await this.#describe(session)
      const [row] = await session.query(`select count(*) as records from ${table.sqlName}`)
      const records = Number(row?.records)
      return {
        orders: ordersOf(table),
        records,
        boundaries: async (_, recordsPerRange) => this.#boundaries(table, records, recordsPerRange, signal),
      }
    })
  }

  requests(): number {
    return this.#queries
  }

  async close(): Promise<void> {
    this.#table = undefined
  }

  #boundaries(table: Table, records: number, recordsPerRange: number, signal: AbortSignal) {
    return this.#within(signal, async (session) => {
      const keys: string[] = []
      for (let at = recordsPerRange; at < records; at += recordsPerRange) {
        const { sql, values } = selectBoundary(table, keys.at(-1), recordsPerRange)
        const [row] = await session.query(sql, values)
        if (typeof row?.key !== 'string') break
        keys.push(row.key)
      }
      return keys
    })
  }

  /** @throws ListingError where it has no key */
  #read(row: Record<string, unknown>, table: Table, { startedAt }: Session): SourceRecord {
    const key = keyOfRow(row.key, table.keys)
    const { version } = row
    const columns: Record<string, unknown> = {}
    for (const [at, column] of table.fields.entries()) {
      const selected = row[`f${at}`]
      set(columns, column.name, typeof selected === 'string' ? column.type.decode(selected) : null)
    }
    return sourceRecord({
      ...{ key, fields: this.#fields(columns), observedAt: startedAt },
      version: typeof version === 'string' ? version : undefined,
      isDeleted: this.#isDeleted(columns),
    })
  }

  async *#rows(session: Session, sql: string, values: readonly string[], signal: AbortSignal) {
    try {
      yield* session.stream(sql, values)
    } catch (error) {
      signal.throwIfAborted()
      throw listingError(error, this.#options.table)
    }
    // a stream that was told to stop must not look like one that has ended
    signal.throwIfAborted()
  }

  /** Read once: a listing and the reads by key beside it must see the same columns. */
  #describe(session: Session): Promise<Table> {
    this.#table ??= readTable(session, this.#options).catch((error) => {
      this.#table = undefined
      throw error
    })
    return this.#table
  }

  async #within<T>(signal: AbortSignal, read: (session: Session) => Promise<T>): Promise<T> {
    return this.#named(signal, async () => {
      const session = await this.#begin(signal)
      try {
        return await read(session)
      } finally {
        await session.end()
      }
    })
  }

  #begin(signal: AbortSignal): Promise<Session> {
    return Session.begin(this.#options.url.replace(/^mariadb:/, 'mysql:'), signal, () => {
      this.#queries += 1
    })
  }

  /** With the listing error that a failure stands for. */
  async #named<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      throw listingError(error, this.#options.table)
    }
  }
}
