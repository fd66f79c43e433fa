import { PostgresDialect, type PostgresDialectConfig, type PostgresPool } from 'kysely'
import type { ObserveOptions } from '../pg/connection.ts'
import { observe } from '../pg/observe.ts'
import type { Values } from '../pg/sql.ts'

export interface ObservedPostgresOptions extends ObserveOptions {
  /** What the app calls a column, such as `snakeToCamel` of a CamelCasePlugin: then events name fields as the
   *  records do that the app sends elsewhere. Default: the column's name. */
  readonly fieldOf?: ((column: string) => string) | undefined
}

/** Kysely's PostgreSQL dialect, over a pool whose statements are read inside wrapped calls:
 *
 *      const db = new Kysely<Tables>({ dialect: new ObservedPostgresDialect({ pool }) })
 *
 *  It takes what `PostgresDialect` takes, and queries answer what they answer there. Streams pass through, and are not
 *  seen. */
export class ObservedPostgresDialect extends PostgresDialect {
  constructor(config: PostgresDialectConfig, options: ObservedPostgresOptions = {}) {
    const { pool } = config
    super({
      ...config,
      pool:
        typeof pool === 'function'
          ? async (aborting) => observed(await pool(aborting), options)
          : observed(pool, options),
    })
  }
}

function observed(pool: PostgresPool, { fieldOf, ...options }: ObservedPostgresOptions): PostgresPool {
  // Kysely describes the pool by the few methods that it calls
  const target = pool as PostgresPool & { query(): unknown }
  return observe(target, {
    ...options,
    present: fieldOf && ((_table: string, record: Values) => renamed(record, fieldOf)),
  })
}

function renamed(record: Values, fieldOf: (column: string) => string): Values {
  return Object.fromEntries(Object.entries(record).map(([column, value]) => [fieldOf(column), value]))
}
