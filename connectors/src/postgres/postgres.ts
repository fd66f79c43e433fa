import type { SourceSpec } from '@syncproof/core/comparison'
import { type KeyNames, keyRule } from '../compound-key.ts'
import { ConfigError } from '../config-error.ts'
import { type DeletedMark, deletedMark, type FieldPaths, fieldPaths } from '../field-paths.ts'
import { checkMembers, isPlainObject, kindOf, type MemberRule, required, someText } from '../members.ts'
import { openPool, type PostgresPool } from './pool.ts'
import { PostgresSource } from './source.ts'

export interface PostgresTable {
  /** `candidates` or `crm.candidates`, spelled as in the catalogue. A view will do. */
  readonly table: string
  /** The column that identifies a record on both sides; it must be unique. Several are a key of several parts, joined by
   *  `/` (docs/connectors/README.md). */
  readonly key: KeyNames
  /** A column that changes with every update. Like the key it is not compared as a field. */
  readonly version?: string
  /** Canonical field name to its column, or to a path within a column of JSON: `{ name: 'full_name', city: 'data.city' }`.
   *  Others keep their names. */
  readonly fields?: FieldPaths
  /** How a row is marked that is called deleted: `deleted_at`, `{ path: 'state', is: ['archived'] }`. */
  readonly deleted?: DeletedMark
  /** The time zone that columns of type `timestamp` (without time zone) mean: `UTC`. Default: not known, so
   *  that such fields are not comparable. */
  readonly timestampZone?: string
}

/** By URL the connector opens a small pool of its own; a pool that is given is used and never ended. */
export type PostgresOptions = PostgresTable &
  ({ readonly url: string; readonly pool?: never } | { readonly pool: PostgresPool; readonly url?: never })

/** Rows of a PostgreSQL table (or of PGlite), in byte order of their keys, in read-only transactions.
 *  With a URL a listing holds one snapshot for 60 s at most and goes on after the last key in a new one. With
 *  a pool it holds none between batches: the pool may have one connection, which its owner needs too.
 *  @throws ConfigError for options that are missing, unknown or of the wrong type */
export function postgres(options: PostgresOptions): SourceSpec {
  checkMembers(options, 'postgres', members, (path, detail) => new ConfigError(path, detail))
  const { url, pool } = options
  if ((url === undefined) === (pool === undefined)) {
    throw new ConfigError('postgres', 'needs either `url` or `pool`. Write one of them.')
  }
  return {
    kind: 'postgres',
    description: `postgres ${options.table}`,
    open() {
      if (pool !== undefined) return new PostgresSource(options, { pool, owned: undefined })
      const owned = openPool(url)
      return new PostgresSource(options, { pool: owned, owned })
    },
  }
}

const PROTOCOL = /^postgres(ql)?:\/\//

const postgresUrl: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
    return PROTOCOL.test(value) ? undefined : 'must begin with postgres:// or postgresql://.'
  },
}

const poolObject: MemberRule = {
  check: (value) =>
    isPlainObject(value) && typeof value.connect === 'function'
      ? undefined
      : `must be a pool with connect(), such as pg.Pool, not ${kindOf(value)}.`,
}

const timeZone: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
    try {
      new Intl.DateTimeFormat('en', { timeZone: value })
      return undefined
    } catch {
      return `is no time zone. Write its name, as in 'UTC' or 'Europe/Berlin'.`
    }
  },
}

const members: Readonly<Record<string, MemberRule>> = {
  url: postgresUrl,
  pool: poolObject,
  table: required(someText),
  key: required(keyRule()),
  version: someText,
  fields: fieldPaths,
  deleted: deletedMark,
  timestampZone: timeZone,
}
