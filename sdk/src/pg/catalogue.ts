import { areStandIns, describeTable, identifyDatabase, type TableDescription } from './describe-table.ts'
import type { PgClient } from './pool.ts'
import { quoteTable, type TableName } from './sql.ts'

/** A table may be replaced by another of its name; how often that is looked into. */
const REDESCRIBE_MS_MIN = 1_000
/** A schema a tenant makes many tables. */
const TABLES_MAX = 5_000

/** What was learned of one pool's database, asked once. */
export class Catalogue {
  #database: Promise<string> | undefined
  #identified = false
  #forgottenMs = Number.NEGATIVE_INFINITY
  readonly #tables = new Map<string, TableDescription | Promise<TableDescription | undefined>>()
  readonly #standIns = new Map<string, boolean>()

  /** The table, or undefined where it cannot be described: then its statements run without evidence, and
   *  whatever is wrong shows in their own errors. Never rejects. At once where it is known.
   *  @param inTransaction the client has one open: then only what cannot abort it is asked */
  describe(
    client: PgClient,
    table: TableName,
    key: string | undefined,
    inTransaction: boolean,
  ): TableDescription | undefined | Promise<TableDescription | undefined> {
    if (inTransaction && !this.#identified) return undefined
    const id = idOf(table, key)
    return this.#tables.get(id) ?? this.#learn(id, this.#ask(client, table, key))
  }

  async #learn(
    id: string,
    asked: Promise<TableDescription | undefined>,
  ): Promise<TableDescription | undefined> {
    if (this.#tables.size >= TABLES_MAX) this.#tables.clear()
    this.#tables.set(id, asked)
    const description = await asked
    if (this.#tables.get(id) !== asked) return description
    // it may be created, or the database come back, at any time
    if (description) this.#tables.set(id, description)
    else this.#tables.delete(id)
    return description
  }

  /** Whether one of these is, in whichever schema, a view or another relation whose rows are those of tables that nobody
   *  named. True where it could not be asked. Never rejects. At once where it is known. */
  standIn(client: PgClient, names: readonly string[]): boolean | Promise<boolean> {
    const unknown = names.filter((name) => !this.#standIns.has(name))
    return unknown.length === 0
      ? names.some((name) => this.#standIns.get(name))
      : this.#askStandIns(client, names, unknown)
  }

  async #askStandIns(
    client: PgClient,
    names: readonly string[],
    unknown: readonly string[],
  ): Promise<boolean> {
    try {
      const found = await areStandIns(client, unknown)
      if (this.#standIns.size >= TABLES_MAX) this.#standIns.clear()
      for (const name of unknown) this.#standIns.set(name, found.has(name))
      return names.some((name) => found.has(name) || this.#standIns.get(name))
    } catch {
      return true
    }
  }

  /** Learns which database this is, before a transaction begins in which that could not be asked. Never rejects. */
  async identify(client: PgClient): Promise<void> {
    if (!this.#identified)
      await this.#identity(client).catch(() => {
        this.#database = undefined
      })
  }

  /** A row came from another table than the one described. */
  outdated(table: TableName, key: string | undefined): void {
    const nowMs = performance.now()
    if (nowMs - this.#forgottenMs < REDESCRIBE_MS_MIN) return
    this.#forgottenMs = nowMs
    this.#tables.delete(idOf(table, key))
  }

  async #ask(
    client: PgClient,
    table: TableName,
    key: string | undefined,
  ): Promise<TableDescription | undefined> {
    try {
      return await describeTable(client, await this.#identity(client), table, key)
    } catch {
      this.#database = undefined
      return undefined
    }
  }

  async #identity(client: PgClient): Promise<string> {
    this.#database ??= identifyDatabase(client)
    const database = await this.#database
    this.#identified = true
    return database
  }
}

const names = new WeakMap<TableName, string>()

function idOf(table: TableName, key: string | undefined): string {
  let name = names.get(table)
  if (name === undefined) {
    name = quoteTable(table)
    names.set(table, name)
  }
  return key === undefined ? name : `${name} ${key}`
}

const catalogues = new WeakMap<object, Catalogue>()

export function catalogueOf(pool: object): Catalogue {
  const known = catalogues.get(pool)
  if (known) return known
  const created = new Catalogue()
  catalogues.set(pool, created)
  return created
}
