import { createSyncproof, type Syncproof } from '@syncproof/sdk'
import pg from 'pg'
import { type CallPlan, type Crash, TABLES, type Table } from '../plan/call.ts'
import { type AtsClient, atsClients } from './ats-client.ts'
import { Diary } from './diary.ts'
import { HelperStore } from './helper-rows.ts'
import { KyselyStore } from './kysely-rows.ts'
import { PgStore } from './pg-rows.ts'
import { type Actor, RecordedRows, recordedTransaction } from './recorded-rows.ts'
import type { Isolation, RowStore, SqlRows, TransactionRows } from './rows.ts'

/** Where a program finds everything. */
export interface Places {
  readonly database: string
  readonly ats: string
  readonly collector: string
  readonly diary: string
  readonly spool: string
}

/** What a program works with. */
export class ProgramWorld {
  readonly syncproof: Syncproof
  readonly diary: Diary
  readonly ats: Readonly<Record<'fetch' | 'proxy', AtsClient>>
  /** Not observed: what goes through it is reported by nobody. */
  readonly raw: pg.Pool
  readonly #stores: Readonly<Record<Table, { pg: PgStore; kysely: KyselyStore; helper: HelperStore }>>
  readonly #pool: pg.Pool
  #statements = 0

  constructor({ database, ats, collector, diary, spool }: Places) {
    this.syncproof = createSyncproof({
      service: 'truth',
      url: collector,
      fingerprintKey: 'truth',
      spoolDir: spool,
      entities: Object.fromEntries(TABLES.map((table) => [table, { table, key: 'id' }])),
    })
    this.diary = new Diary(diary)
    this.ats = atsClients(ats)
    this.raw = new pg.Pool({ connectionString: database, max: 2 })
    this.#pool = new pg.Pool({ connectionString: database, max: 24 })
    // a connection that is cut says so, too, and the error of whoever used it is enough
    this.#pool.on('connect', (client) => client.on('error', () => undefined))
    const stores = TABLES.map((table) => [
      table,
      {
        pg: new PgStore(this.#pool, table),
        kysely: new KyselyStore(this.#pool, table),
        helper: new HelperStore(this.syncproof, this.#pool, table),
      },
    ])
    this.#stores = Object.fromEntries(stores)
  }

  /** The same statement is never named twice, whichever process names it. */
  nextStatement = (): string => {
    this.#statements += 1
    return `s${process.pid}.${this.#statements}`
  }

  rows({ table, access }: CallPlan, actor: Actor): RecordedRows<RowStore> {
    return new RecordedRows<RowStore>(this.#stores[table][access], this.diary, actor, this.nextStatement)
  }

  sqlRows(rows: SqlRows, actor: Actor): RecordedRows<SqlRows> {
    return new RecordedRows(rows, this.diary, actor, this.nextStatement)
  }

  sqlStore({ table }: CallPlan): PgStore {
    return this.#stores[table].pg
  }

  transaction<T>(
    { table, access }: CallPlan,
    actor: Actor,
    isolation: Isolation,
    run: (rows: RecordedRows<TransactionRows>) => Promise<T>,
  ): Promise<T> {
    const store: RowStore = this.#stores[table][access]
    const recording = { diary: this.diary, actor, nextStatement: this.nextStatement }
    return recordedTransaction(store, isolation, recording, run)
  }

  /** Ends this process here and now, where that is planned. */
  mayCrash({ crash }: CallPlan, step: Crash): void {
    if (crash === step) process.kill(process.pid, 'SIGKILL')
  }

  async close(): Promise<void> {
    await this.syncproof.shutdown()
    await Promise.all([this.raw.end(), this.#pool.end()])
  }
}
