import {
  type DigestOffer,
  type KeyRange,
  type KeyRanges,
  ListingError,
  type ListOptions,
  type RecordBatch,
  type RecordSource,
  type SourceRecord,
  type TransactionAnswers,
} from '@syncproof/core/comparison'
import { auto, type FieldRules } from '@syncproof/core/contract'
import { BATCH_RECORDS_MAX, inBatches } from '../batches.ts'
import { keyNames, splitKey } from '../compound-key.ts'
import { deletedReader, fieldReader } from '../field-paths.ts'
import { otherColumns } from '../tables.ts'
import { readTable, type Table } from './catalogue.ts'
import { keyEncoding } from './digest-statements.ts'
import { PostgresDigestView } from './digest-view.ts'
import { encodingOf } from './encodings.ts'
import { listingError, saysNoSuchKey } from './errors.ts'
import { type KeyIndex, readKeyIndex, sampleKeys } from './key-index.ts'
import { deletedSql, namedColumns } from './named-columns.ts'
import type { PostgresPool } from './pool.ts'
import type { PostgresTable } from './postgres.ts'
import { Snapshot } from './snapshot.ts'
import { type RowShape, rowReader, selectAfter, selectByKey } from './statements.ts'
import { askTransactions } from './transactions.ts'

const SNAPSHOT_HELD_MS_MAX = 60_000
/** Without a held snapshot each page sorts the table anew: larger pages, fewer sorts. */
const UNHELD_PAGE_ROWS = 10_000

/** A new one for every change of what is hashed, or how. */
const DIGEST_METHOD = 'postgres record_send sha256-144'

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
  readonly #shape: RowShape
  #table: Promise<Table> | undefined
  #index: Promise<KeyIndex | undefined> | undefined
  #queries = 0
  #closed: Promise<void> | undefined

  constructor(options: PostgresTable, pool: SourcePool) {
    this.name = `postgres ${options.table}`
    this.#options = options
    this.#pool = pool
    this.#shape = { fields: fieldReader(options.fields), isDeleted: deletedReader(options.deleted) }
  }

  async *list(signal: AbortSignal, options: ListOptions = {}): AsyncGenerator<RecordBatch> {
    try {
      const table = await this.#describe(signal)
      yield* this.#listTable(table, options, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw listingError(error, this.#options.table)
    }
  }

  async get(key: string, signal: AbortSignal): Promise<SourceRecord | undefined> {
    // PostgreSQL's text holds neither a NUL nor a lone surrogate, so no row can have such a key
    if (key === '' || key.includes('\0') || !key.isWellFormed()) return undefined
    const parts = splitKey(key, keyNames(this.#options.key).length)
    if (parts === undefined) return undefined
    try {
      const table = await this.#describe(signal)
      const { sql } = selectByKey(table, this.#options.timestampZone)
      return await this.#within(signal, async (snapshot) => {
        const rows = await snapshot.query(sql, [key, ...parts])
        if (rows.length > 1) throw this.#duplicateKey()
        return rows[0] && rowReader(table, this.#shape)(rows[0], snapshot.startedAt)
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
      return Object.fromEntries(
        namedColumns(table, this.#options.fields).map(([name, { type }]) => [name, type.rule]),
      )
    } catch (error) {
      throw listingError(error, this.#options.table)
    }
  }

  async ranges(signal: AbortSignal): Promise<KeyRanges> {
    const index = await this.#named(signal, this.#keyIndex(signal))
    return {
      orders: index ? [index.order] : [],
      records: index?.records ?? 0,
      boundaries: async (_, recordsPerRange) => {
        const table = await this.#describe(signal)
        const parts = Math.floor((index?.records ?? 0) / recordsPerRange)
        if (index === undefined || parts < 2) return []
        return this.#named(
          signal,
          this.#within(signal, (snapshot) => sampleKeys(snapshot, table, index, parts)),
        )
      },
    }
  }

  /** With a pool that is given there may be one connection alone: a snapshot cannot be held beside its owner's work. */
  async digests(rules: FieldRules, signal: AbortSignal): Promise<DigestOffer | undefined> {
    if (this.#pool.owned === undefined) return undefined
    const table = await this.#named(signal, this.#describe(signal))
    const index = await this.#named(signal, this.#keyIndex(signal))
    if (!index?.isUnique) return undefined
    const { timestampZone, fields: paths, deleted } = this.#options
    const isDeleted = deletedSql(deleted)
    if (isDeleted === undefined) return undefined
    const named = namedColumns(table, paths)
    const hashed = named.flatMap(([field, column]) => {
      const encoding = encodingOf(column, rules[field] ?? auto, timestampZone)
      return encoding ? [{ field, name: column.name, encoding }] : []
    })
    const nested = Object.keys(paths ?? {}).filter((field) => !named.some(([name]) => name === field))
    return {
      method: DIGEST_METHOD,
      orders: [index.order],
      key: keyEncoding(table),
      fields: new Map(hashed.map(({ field, encoding }) => [field, encoding.name])),
      has: new Set([...named.map(([name]) => name), ...nested]),
      open: async (_, fields, until) =>
        new PostgresDigestView({
          hashed: {
            ...{ table, index, isDeleted },
            columns: hashed.filter(({ field }) => fields.includes(field)).sort(byField),
          },
          ...{ timestampZone, shape: this.#shape },
          begin: (shared) => this.#begin(until, shared),
          errorOf: (error) => {
            until.throwIfAborted()
            return listingError(error, this.#options.table)
          },
        }),
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
  async *#listTable(
    table: Table,
    { range, after }: ListOptions,
    signal: AbortSignal,
  ): AsyncGenerator<RecordBatch> {
    const held = this.#pool.owned !== undefined
    const pageRows = held ? BATCH_RECORDS_MAX : UNHELD_PAGE_ROWS
    const within = range && { range, index: await this.#indexFor(range, signal) }
    const read = rowReader(table, this.#shape)
    let last = after
    for (;;) {
      const snapshot = await this.#begin(signal)
      try {
        const page = { after: last, rowsMax: held ? null : pageRows, within }
        const { sql, values } = selectAfter(table, this.#options.timestampZone, page)
        await snapshot.query(`declare records no scroll cursor for ${sql}`, values)
        do {
          const rows = await snapshot.query(`fetch forward ${pageRows} from records`)
          const { startedAt } = snapshot
          if (!held) await snapshot.end()
          const records = rows.map((row) => read(row, startedAt))
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

  async #indexFor(range: KeyRange, signal: AbortSignal): Promise<KeyIndex> {
    const index = await this.#keyIndex(signal)
    if (index?.order === range.order) return index
    throw new Error(`${this.name} has no ranges in the order ${range.order}`)
  }

  #keyIndex(signal: AbortSignal): Promise<KeyIndex | undefined> {
    this.#index ??= this.#describe(signal)
      .then((table) => this.#within(signal, (snapshot) => readKeyIndex(snapshot, table)))
      .catch((error) => {
        this.#index = undefined
        throw error
      })
    return this.#index
  }

  /** Read once: a listing and the reads by key beside it must see the same columns. */
  #describe(signal: AbortSignal): Promise<Table> {
    this.#table ??= this.#within(signal, (snapshot) =>
      readTable(snapshot, { ...this.#options, others: otherColumns(this.#options) }),
    ).catch((error) => {
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

  /** With the listing error that a failure stands for. */
  async #named<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      signal.throwIfAborted()
      throw listingError(error, this.#options.table)
    }
  }

  #begin(signal: AbortSignal, shared?: string): Promise<Snapshot> {
    const onQuery = () => {
      this.#queries += 1
    }
    return Snapshot.begin(this.#pool.pool, { heldMsMax: SNAPSHOT_HELD_MS_MAX, signal, onQuery, shared })
  }

  #duplicateKey(): ListingError {
    const { table, key } = this.#options
    return new ListingError(
      'duplicate_key',
      `The table ${table} has several rows with one ${keyNames(key).join(', ')}. Name a column that is unique.`,
    )
  }
}

function byField(a: { readonly field: string }, b: { readonly field: string }): number {
  return a.field < b.field ? -1 : 1
}
