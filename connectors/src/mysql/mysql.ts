import type { SourceSpec } from '@syncproof/core/comparison'
import { type KeyNames, keyRule } from '../compound-key.ts'
import { ConfigError } from '../config-error.ts'
import { type DeletedMark, deletedMark, type FieldPaths, fieldPaths } from '../field-paths.ts'
import { checkMembers, kindOf, type MemberRule, required, someText } from '../members.ts'
import { MysqlSource } from './source.ts'

export interface MysqlTable {
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
  /** The zone that columns of type `datetime` mean: `Z`, `+02:00`. Default: not known, so that such fields are not
   *  comparable. `timestamp` columns need none. */
  readonly timestampZone?: string
}

export interface MysqlOptions extends MysqlTable {
  /** `mysql://user:password@host:3306/database`, with `?ssl={…}` as the driver has it. */
  readonly url: string
}

/** Rows of a table of MySQL or MariaDB, in byte order of their keys, in read-only transactions of one snapshot, each for
 *  60 s at most.
 *  @throws ConfigError for options that are missing, unknown or of the wrong type */
export function mysql(options: MysqlOptions): SourceSpec {
  checkMembers(options, 'mysql', members, (path, detail) => new ConfigError(path, detail))
  return {
    kind: 'mysql',
    description: `mysql ${options.table}`,
    open: () => new MysqlSource(options),
  }
}

const mysqlUrl: MemberRule = {
  check(value) {
    if (typeof value !== 'string') return `must be text, not ${kindOf(value)}.`
    return /^(?:mysql|mariadb):\/\//.test(value) ? undefined : 'must begin with mysql:// or mariadb://.'
  },
}

const zone: MemberRule = {
  check: (value) =>
    typeof value === 'string' && /^(?:Z|[+-]\d{2}:\d{2})$/.test(value)
      ? undefined
      : "must be 'Z' or an offset such as '+02:00'.",
}

const members: Readonly<Record<keyof MysqlOptions, MemberRule>> = {
  url: required(mysqlUrl),
  table: required(someText),
  key: required(keyRule()),
  version: someText,
  fields: fieldPaths,
  deleted: deletedMark,
  timestampZone: zone,
}
