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
