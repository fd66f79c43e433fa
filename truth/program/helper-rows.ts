import type { Syncproof } from '@syncproof/sdk'
import { type PostgresTable, postgresTable } from '@syncproof/sdk/pg'
import type pg from 'pg'
import type { Table } from '../plan/call.ts'
import type { Row, Values } from '../world/row.ts'
import type { Isolation, Lock, RowStore, TransactionRows } from './rows.ts'

/** The helper of `@syncproof/sdk/pg`, with a mark around each of its calls. */
class HelperRows implements TransactionRows {
  protected readonly syncproof: Syncproof
  protected readonly type: Table
  #table: PostgresTable<Row>

  constructor(syncproof: Syncproof, type: Table, table: PostgresTable<Row>) {
    this.syncproof = syncproof
    this.type = type
    this.#table = table
  }

  read(id: string, lock?: Lock): Promise<Row | null> {
    const entity = { type: this.type, id }
    return this.syncproof.read('db', () => this.#table.findUnique({ where: { id }, lock }), { entity })
  }

  async update(id: string, set: Values, where: Values = {}): Promise<number> {
    const row = await this.#mark(id, set, () => this.#table.update({ where: { id, ...where }, data: set }))
    return row ? 1 : 0
  }

  async create(row: Values): Promise<void> {
    await this.#mark(String(row.id), row, () => this.#table.create({ data: row as unknown as Row }))
  }

  async remove(id: string): Promise<number> {
    const entity = { type: this.type, id }
    const row = await this.syncproof.write('db', {}, () => this.#table.delete({ where: { id } }), {
      entity,
      action: 'delete',
    })
    return row ? 1 : 0
  }

  savepoint<T>(run: () => Promise<T>): Promise<T> {
    const outer = this.#table
    return outer
      .transaction(async (table) => {
        this.#table = table
        return run()
      })
      .finally(() => {
        this.#table = outer
      })
  }

  #mark<T>(id: string, record: Values, run: () => Promise<T>): Promise<T> {
    return this.syncproof.write('db', record, run, { entity: { type: this.type, id } })
  }
}

export class HelperStore extends HelperRows implements RowStore {
  readonly #root: PostgresTable<Row>

  constructor(syncproof: Syncproof, pool: pg.Pool, type: Table) {
    const table = postgresTable<Row>(pool, type, { key: 'id' })
    super(syncproof, type, table)
    this.#root = table
  }

  transaction<T>(isolation: Isolation, run: (rows: TransactionRows) => Promise<T>): Promise<T> {
    return this.#root.transaction((table) => run(new HelperRows(this.syncproof, this.type, table)), {
      isolation,
    })
  }
}
