import type { Row, Values } from '../world/row.ts'

export type Lock = 'for update' | 'for key share'
export type Isolation = 'read committed' | 'repeatable read' | 'serializable'

/** Rows of one table, as one way of reaching a database has them. */
export interface Rows {
  read(id: string, lock?: Lock): Promise<Row | null>
  /** @param where further columns that the row must have
   *  @returns how many rows there were */
  update(id: string, set: Values, where?: Values): Promise<number>
  create(row: Values): Promise<void>
  remove(id: string): Promise<number>
}

export interface TransactionRows extends Rows {
  /** Rolls back to before it where `run` rejects, and rejects with the same. */
  savepoint<T>(run: () => Promise<T>): Promise<T>
}

export interface RowStore extends Rows {
  /** Commits; rolls back where `run` rejects, and rejects with the same. */
  transaction<T>(isolation: Isolation, run: (rows: TransactionRows) => Promise<T>): Promise<T>
}

/** What only SQL by hand can say. */
export interface SqlRows extends TransactionRows {
  increment(id: string, statement: string): Promise<number>
  upsert(row: Values): Promise<void>
  updateBoth(ids: readonly string[], set: Values): Promise<number>
  lockKey(key: string): Promise<void>
  /** The connection of this transaction is cut when it commits. */
  cutCommit(when: 'sent' | 'unsent'): void
  /** Leaves a message for another process, in this transaction. */
  enqueue(message: object): Promise<void>
}
