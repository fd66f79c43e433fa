export type { ObserveOptions } from './connection.ts'
export { observe } from './observe.ts'
export type { PgClient, PgPool, PgResult } from './pool.ts'
export type { LockMode } from './sql.ts'
export {
  type OpenTransaction,
  type PostgresTable,
  postgresTable,
  type TableOptions,
  type Where,
} from './table.ts'
export { type Isolation, type TransactionOptions, TransactionRolledBackError } from './transaction.ts'
