import type { Socket } from 'node:net'
import { observe } from '@syncproof/sdk/pg'
import type pg from 'pg'
import type { Table } from '../plan/call.ts'
import type { Row, Values } from '../world/row.ts'
import type { Isolation, Lock, RowStore, SqlRows } from './rows.ts'

type Queryable = Pick<pg.Pool | pg.PoolClient, 'query'>

/** SQL by hand, on node-postgres. */
class PgRows implements SqlRows {
  cutsCommit: 'sent' | 'unsent' | undefined
  readonly #client: Queryable
  readonly #table: Table

  constructor(client: Queryable, table: Table) {
    this.#client = client
    this.#table = table
  }

  async read(id: string, lock?: Lock): Promise<Row | null> {
    const { rows } = await this.#client.query<Row>(
      `SELECT * FROM ${this.#table} WHERE id = $1${lock ? ` ${lock.toUpperCase()}` : ''}`,
      [id],
    )
    return rows[0] ?? null
  }

  async update(id: string, set: Values, where: Values = {}): Promise<number> {
    const values: unknown[] = []
    const parameter = (value: unknown) => `$${values.push(value)}`
    const assignments = Object.entries(set).map(([column, value]) => `${column} = ${parameter(value)}`)
    const conditions = Object.entries({ id, ...where }).map(
      ([column, value]) => `${column} = ${parameter(value)}`,
    )
    const { rowCount } = await this.#client.query(
      `UPDATE ${this.#table} SET ${assignments.join(', ')} WHERE ${conditions.join(' AND ')}`,
      values,
    )
    return rowCount ?? 0
  }

  async updateBoth(ids: readonly string[], set: Values): Promise<number> {
    const values: unknown[] = []
    const assignments = Object.entries(set).map(([column, value]) => `${column} = $${values.push(value)}`)
    const list = ids.map((id) => `$${values.push(id)}`)
    const { rowCount } = await this.#client.query(
      `UPDATE ${this.#table} SET ${assignments.join(', ')} WHERE id IN (${list.join(', ')})`,
      values,
    )
    return rowCount ?? 0
  }

  async increment(id: string, statement: string): Promise<number> {
    const { rowCount } = await this.#client.query(
      `UPDATE ${this.#table} SET score = score + 1, updated_by = $2 WHERE id = $1`,
      [id, statement],
    )
    return rowCount ?? 0
  }

  async create(row: Values): Promise<void> {
    const { columns, list, values } = insertion(row)
    await this.#client.query(`INSERT INTO ${this.#table} (${columns}) VALUES (${list})`, values)
  }

  async upsert(row: Values): Promise<void> {
    const { columns, list, values } = insertion(row)
    const set = Object.keys(row)
      .filter((column) => column !== 'id')
      .map((column) => `${column} = excluded.${column}`)
    await this.#client.query(
      `INSERT INTO ${this.#table} (${columns}) VALUES (${list}) ON CONFLICT (id) DO UPDATE SET ${set.join(', ')}`,
      values,
    )
  }

  async remove(id: string): Promise<number> {
    const { rowCount } = await this.#client.query(`DELETE FROM ${this.#table} WHERE id = $1`, [id])
    return rowCount ?? 0
  }

  async lockKey(key: string): Promise<void> {
    await this.#client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [key])
  }

  cutCommit(when: 'sent' | 'unsent'): void {
    this.cutsCommit = when
  }

  async enqueue(message: object): Promise<void> {
    await this.#client.query('INSERT INTO outbox (message) VALUES ($1)', [JSON.stringify(message)])
  }

  async savepoint<T>(run: () => Promise<T>): Promise<T> {
    await this.#client.query('SAVEPOINT s')
    try {
      const value = await run()
      await this.#client.query('RELEASE SAVEPOINT s')
      return value
    } catch (error) {
      await this.#client.query('ROLLBACK TO SAVEPOINT s')
      throw error
    }
  }
}

export class PgStore extends PgRows implements RowStore {
  readonly #pool: pg.Pool
  readonly #of: Table

  /** @param pool is observed here */
  constructor(pool: pg.Pool, table: Table) {
    const observed = observe(pool)
    super(observed, table)
    this.#pool = observed
    this.#of = table
  }

  async transaction<T>(isolation: Isolation, run: (rows: SqlRows) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    // one that is cut may be so only after its answer: nobody else is to have it
    let broken: Error | boolean | undefined
    try {
      await client.query(`BEGIN ISOLATION LEVEL ${isolation.toUpperCase()}`)
      const rows = new PgRows(client, this.#of)
      const value = await run(rows)
      broken = rows.cutsCommit !== undefined
      await commit(client, rows.cutsCommit)
      return value
    } catch (error) {
      await client.query('ROLLBACK').catch((cut: Error) => {
        broken = cut
      })
      throw error
    } finally {
      client.release(broken)
    }
  }

  /** A transaction that somebody else ends. */
  async open(): Promise<{ rows: SqlRows; client: pg.PoolClient }> {
    const client = await this.#pool.connect()
    return { rows: new PgRows(client, this.#of), client }
  }
}

function insertion(row: Values) {
  const columns = Object.keys(row)
  return {
    columns: columns.join(', '),
    list: columns.map((_, index) => `$${index + 1}`).join(', '),
    values: Object.values(row),
  }
}

async function commit(client: pg.PoolClient, cut: 'sent' | 'unsent' | undefined): Promise<void> {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection
  if (cut === 'unsent') stream.destroy()
  const committed = client.query('COMMIT')
  // written in the same turn, so that the server has it
  if (cut === 'sent') setImmediate(() => stream.destroy())
  await committed
}
