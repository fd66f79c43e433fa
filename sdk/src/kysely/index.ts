export { ObservedPostgresDialect, type ObservedPostgresOptions } from './dialect.ts'
