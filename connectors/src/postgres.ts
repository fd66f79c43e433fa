import type { SourceSpec } from '@syncproof/core/comparison'

/** What is needed of a pg.Pool; PGlite's pool has it too. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
}
export interface PostgresClient {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>
  release(error?: Error | boolean): void
}

export interface PostgresTable {
  /** `candidates` or `crm.candidates`, spelled as in the catalogue. */
  readonly table: string
  /** The column that identifies a record on both sides; it must be unique. */
  readonly key: string
  /** A column that changes with every update. It is not compared. */
  readonly version?: string
  /** The time zone that columns of type `timestamp` (without time zone) mean: `UTC`. Default: not known, so
   *  that such fields are not comparable. */
  readonly timestampZone?: string
}

/** By URL the connector opens a small read-only pool of its own; a pool given is used and never ended. */
export type PostgresOptions = PostgresTable &
  ({ readonly url: string; readonly pool?: never } | { readonly pool: PostgresPool; readonly url?: never })

/** Rows of a PostgreSQL table, in byte order of their keys. */
export declare function postgres(options: PostgresOptions): SourceSpec
