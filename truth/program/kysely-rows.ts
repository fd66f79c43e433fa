import { ObservedPostgresDialect } from '@syncproof/sdk/kysely'
import { Kysely, sql, type Transaction } from 'kysely'
import type pg from 'pg'
import type { Table } from '../plan/call.ts'
import type { Row, Values } from '../world/row.ts'
import type { Isolation, Lock, RowStore, TransactionRows } from './rows.ts'

type Tables = Record<Table, Row>

class KyselyRows implements TransactionRows {
  readonly #db: Kysely<Tables>
  readonly #table: Table

  constructor(db: Kysely<Tables>, table: Table) {
    this.#db = db
    this.#table = table
  }

  async read(id: string, lock?: Lock): Promise<Row | null> {
    const query = this.#db.selectFrom(this.#table).selectAll().where('id', '=', id)
    const locked =
      lock === 'for update' ? query.forUpdate() : lock === 'for key share' ? query.forKeyShare() : query
    return (await locked.executeTakeFirst()) ?? null
  }

  async update(id: string, set: Values, where: Values = {}): Promise<number> {
    let query = this.#db
      .updateTable(this.#table)
      .set(set as Partial<Row>)
      .where('id', '=', id)
    for (const [column, value] of Object.entries(where)) query = query.where(sql.ref(column), '=', value)
    return Number((await query.executeTakeFirst()).numUpdatedRows)
  }

  async create(row: Values): Promise<void> {
    await this.#db
      .insertInto(this.#table)
      .values(row as unknown as Row)
      .execute()
  }

  async remove(id: string): Promise<number> {
    const { numDeletedRows } = await this.#db.deleteFrom(this.#table).where('id', '=', id).executeTakeFirst()
    return Number(numDeletedRows)
  }

  async savepoint<T>(run: () => Promise<T>): Promise<T> {
    await sql`savepoint s`.execute(this.#db)
    try {
      const value = await run()
      await sql`release savepoint s`.execute(this.#db)
      return value
    } catch (error) {
      await sql`rollback to savepoint s`.execute(this.#db)
      throw error
    }
  }
}

export class KyselyStore extends KyselyRows implements RowStore {
  readonly #db: Kysely<Tables>
  readonly #of: Table

  constructor(pool: pg.Pool, table: Table) {
    const db = new Kysely<Tables>({ dialect: new ObservedPostgresDialect({ pool }) })
    super(db, table)
    this.#db = db
    this.#of = table
  }

  transaction<T>(isolation: Isolation, run: (rows: TransactionRows) => Promise<T>): Promise<T> {
    return this.#db
      .transaction()
      .setIsolationLevel(isolation)
      .execute((transaction: Transaction<Tables>) => run(new KyselyRows(transaction, this.#of)))
  }
}
