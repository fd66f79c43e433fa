import type { Row, Values } from '../world/row.ts'
import type { Diary, Writing } from './diary.ts'
import type { Isolation, Lock, RowStore, Rows, SqlRows, TransactionRows } from './rows.ts'

/** Who does it. */
export interface Actor {
  readonly call: string
  readonly root: string
}

/** Rows whose use is written down in the program's diary. */
export class RecordedRows<R extends Rows> implements Rows {
  protected readonly rows: R
  protected readonly diary: Diary
  protected readonly actor: Actor
  /** Statements that wrote, in order. */
  readonly made: string[] = []
  readonly #statements: () => string

  /** @param nextStatement a name that no other statement has */
  constructor(rows: R, diary: Diary, actor: Actor, nextStatement: () => string) {
    this.rows = rows
    this.diary = diary
    this.actor = actor
    this.#statements = nextStatement
  }

  async read(id: string, lock?: Lock): Promise<Row | null> {
    const row = await this.rows.read(id, lock)
    this.diary.note({ what: 'read', ...this.actor, row: id, values: row && { ...row } })
    return row
  }

  async update(id: string, set: Values, where?: Values): Promise<number> {
    const statement = this.#statements()
    const own = { ...set, updated_by: statement }
    return this.write({ statement, action: 'update', rows: [id], set: own }, () =>
      this.rows.update(id, own, where),
    )
  }

  async create(row: Values): Promise<void> {
    const statement = this.#statements()
    const own = { ...row, updated_by: statement }
    const create = () => this.rows.create(own).then(() => 1)
    await this.write({ statement, action: 'create', rows: [String(row.id)], set: own }, create)
  }

  async remove(id: string): Promise<number> {
    const statement = this.#statements()
    return this.write({ statement, action: 'delete', rows: [id], set: {} }, () => this.rows.remove(id))
  }

  async upsert(this: RecordedRows<SqlRows>, row: Values): Promise<void> {
    const statement = this.#statements()
    const own = { ...row, updated_by: statement }
    const upsert = () => this.rows.upsert(own).then(() => 1)
    await this.write({ statement, action: 'upsert', rows: [String(row.id)], set: own }, upsert)
  }

  async updateBoth(this: RecordedRows<SqlRows>, ids: readonly string[], set: Values): Promise<number> {
    const statement = this.#statements()
    const own = { ...set, updated_by: statement }
    return this.write({ statement, action: 'update', rows: ids, set: own }, () =>
      this.rows.updateBoth(ids, own),
    )
  }

  async increment(this: RecordedRows<SqlRows>, id: string): Promise<number> {
    const statement = this.#statements()
    return this.write(
      { statement, action: 'update', rows: [id], set: { updated_by: statement }, computed: ['score'] },
      () => this.rows.increment(id, statement),
    )
  }

  lockKey(this: RecordedRows<SqlRows>, key: string): Promise<void> {
    return this.rows.lockKey(key)
  }

  cutCommit(this: RecordedRows<SqlRows>, when: 'sent' | 'unsent'): void {
    this.rows.cutCommit(when)
  }

  async savepoint<T>(this: RecordedRows<TransactionRows>, run: () => Promise<T>): Promise<T> {
    const before = this.made.length
    try {
      return await this.rows.savepoint(run)
    } catch (error) {
      this.diary.note({ what: 'undone', ...this.actor, statements: this.made.slice(before) })
      throw error
    }
  }

  protected async write(
    writing: Omit<Writing, 'what' | 'call' | 'root' | 'computed'> & Partial<Pick<Writing, 'computed'>>,
    run: () => Promise<number>,
  ): Promise<number> {
    const { statement } = writing
    this.made.push(statement)
    this.diary.note({ what: 'writing', ...this.actor, computed: [], ...writing })
    let rows: number | null = null
    try {
      rows = await run()
      return rows
    } finally {
      this.diary.note({ what: 'wrote', statement, rows })
    }
  }
}

/** Runs a transaction whose rows are recorded, and its end with them. */
export async function recordedTransaction<T, S extends RowStore>(
  store: S,
  isolation: Isolation,
  { diary, actor, nextStatement }: { diary: Diary; actor: Actor; nextStatement: () => string },
  run: (rows: RecordedRows<TransactionRows>) => Promise<T>,
): Promise<T> {
  let recorded: RecordedRows<TransactionRows> | undefined
  try {
    return await store.transaction(isolation, (rows) => {
      recorded = new RecordedRows(rows, diary, actor, nextStatement)
      return run(recorded)
    })
  } catch (error) {
    diary.note({ what: 'undone', ...actor, statements: recorded?.made ?? [] })
    throw error
  }
}
