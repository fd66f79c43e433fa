import { catalogueOf } from './catalogue.ts'
import { unobserved } from './observe.ts'
import { isObserved, type Place, runRead, runWrite } from './observed-statement.ts'
import { type PgClient, type PgPool, withClient } from './pool.ts'
import {
  deleteRow,
  insertRow,
  type LockMode,
  selectRow,
  type TableName,
  updateRow,
  type Values,
} from './sql.ts'
import { PgTransaction, type TransactionOptions } from './transaction.ts'

export interface TableOptions<Row> {
  /** The column that names a row; it must have a unique index for its rows to give evidence. */
  readonly key: keyof Row & string
  /** Default: the first of the search_path that has the table. */
  readonly schema?: string | undefined
}

export type Where<Row> = Readonly<Partial<Row>>

/** Statements on one row, each by its key. Other columns of `where` are further conditions, such as the version
 *  that was read. Inside a wrapped call each brings the evidence of what it read or replaced; outside it is the
 *  plain statement. Errors are node-postgres's own.
 *  @throws TypeError where `where` does not name the key, or has a column that is undefined */
export interface PostgresTable<Row> {
  /** @returns null where there is no such row */
  findUnique(input: { readonly where: Where<Row>; readonly lock?: LockMode | undefined }): Promise<Row | null>
  /** Sets the columns of `data` that are not undefined. @returns the row after it, null where there is none such */
  update(input: { readonly where: Where<Row>; readonly data: Readonly<Partial<Row>> }): Promise<Row | null>
  /** @returns the row as stored; null where a trigger kept it out */
  create(input: { readonly data: Readonly<Partial<Row>> }): Promise<Row | null>
  /** @returns the row that was there, null where there was none */
  delete(input: { readonly where: Where<Row> }): Promise<Row | null>
  /** Runs `run` in a transaction on one connection, and commits it; rolls it back where `run` rejects. On the
   *  table of a transaction it is a savepoint of that one.
   *  @throws TransactionRolledBackError where a statement had failed although `run` resolved */
  transaction<T>(
    run: (table: PostgresTable<Row>, transaction: OpenTransaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T>
}

export interface OpenTransaction {
  /** Another table in the same transaction. */
  table<Row extends object = Record<string, unknown>>(
    name: string,
    options: TableOptions<Row>,
  ): PostgresTable<Row>
}

/** One table of a database that a pool of node-postgres's shape leads to.
 *  @param name as in the catalogue; it is quoted */
export function postgresTable<Row extends object = Record<string, unknown>>(
  pool: PgPool,
  name: string,
  options: TableOptions<Row>,
): PostgresTable<Row> {
  // it brings evidence of its own
  return new Table<Row>(unobserved(pool), { name, schema: options.schema }, options.key)
}

class Table<Row extends object> implements PostgresTable<Row> {
  readonly #pool: PgPool
  readonly #name: TableName
  readonly #key: keyof Row & string
  readonly #transaction: PgTransaction | undefined

  constructor(pool: PgPool, name: TableName, key: keyof Row & string, transaction?: PgTransaction) {
    this.#pool = pool
    this.#name = name
    this.#key = key
    this.#transaction = transaction
  }

  async findUnique({ where, lock }: { where: Where<Row>; lock?: LockMode | undefined }): Promise<Row | null> {
    const conditions = this.#conditions('findUnique', where)
    return this.#run((place) => runRead(place, selectRow(this.#name, conditions, lock, place.tokens), lock))
  }

  async update({ where, data }: { where: Where<Row>; data: Readonly<Partial<Row>> }): Promise<Row | null> {
    const conditions = this.#conditions('update', where)
    const columns = defined(data)
    if (Object.keys(columns).length === 0)
      throw new TypeError(`${this.#name.name}.update: data sets no column`)
    return this.#run((place) =>
      runWrite(place, updateRow(this.#name, conditions, encodeJson(columns, place), place.tokens), {
        action: 'update',
        data: columns,
        target: this.#target(conditions),
      }),
    )
  }

  async create({ data }: { data: Readonly<Partial<Row>> }): Promise<Row | null> {
    const columns = defined(data)
    return this.#run((place) =>
      runWrite(place, insertRow(this.#name, encodeJson(columns, place), place.tokens), {
        action: 'create',
        data: columns,
        target: this.#target(columns),
      }),
    )
  }

  async delete({ where }: { where: Where<Row> }): Promise<Row | null> {
    const conditions = this.#conditions('delete', where)
    return this.#run((place) =>
      runWrite(place, deleteRow(this.#name, conditions, place.tokens), {
        action: 'delete',
        data: {},
        target: this.#target(conditions),
      }),
    )
  }

  async transaction<T>(
    run: (table: PostgresTable<Row>, transaction: OpenTransaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    const inside = (transaction: PgTransaction) =>
      run(new Table<Row>(this.#pool, this.#name, this.#key, transaction), {
        table: (name, { key, schema }) => new Table(this.#pool, { name, schema }, key, transaction),
      })
    const outer = this.#transaction
    if (outer) return outer.nested(() => inside(outer))
    return withClient(this.#pool, async (client) => {
      // before BEGIN: a question that the database refuses would abort the transaction
      await catalogueOf(this.#pool).describe(client, this.#name, this.#key, false)
      const transaction = await PgTransaction.begin(client, options)
      let value: T
      try {
        value = await inside(transaction)
      } catch (error) {
        await transaction.rollback()
        throw error
      }
      await transaction.commit()
      return value
    })
  }

  async #run(run: (place: Place) => Promise<Values | null>): Promise<Row | null> {
    const at = async (client: PgClient) => {
      const catalogue = catalogueOf(this.#pool)
      const table = await catalogue.describe(client, this.#name, this.#key, this.#transaction !== undefined)
      const place: Place = {
        client,
        name: this.#name.name,
        transaction: this.#transaction,
        table,
        tokens: table?.givesTokens && isObserved() ? table : undefined,
        outdated: () => catalogue.outdated(this.#name, this.#key),
      }
      return (await run(place)) as Row | null
    }
    return this.#transaction ? at(this.#transaction.client) : withClient(this.#pool, at)
  }

  #conditions(method: string, where: Where<Row>): Values {
    const conditions: Values = { ...where }
    for (const [column, value] of Object.entries(conditions)) {
      // left out, it would match more rows than the caller meant
      if (value === undefined)
        throw new TypeError(`${this.#name.name}.${method}: where.${column} is undefined`)
    }
    const key = conditions[this.#key]
    if (key === undefined || key === null)
      throw new TypeError(`${this.#name.name}.${method}: where must name the key \`${this.#key}\``)
    return conditions
  }

  #target(row: Values): string {
    return `${this.#name.schema ?? ''}\n${this.#name.name}\n${String(row[this.#key])}`
  }
}

function defined(data: object): Values {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined))
}

/** The values as parameters; null stays SQL's null. */
function encodeJson(columns: Values, { table }: Place): Values {
  return Object.fromEntries(
    Object.entries(columns).map(([column, value]) =>
      table?.jsonColumns.has(column) && value !== null ? [column, JSON.stringify(value)] : [column, value],
    ),
  )
}
