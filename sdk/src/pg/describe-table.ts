import type { PgClient } from './pool.ts'
import { quoteTable, type TableName, type TokenTable } from './sql.ts'

/** A table as far as the helper must know it. */
export interface TableDescription extends TokenTable {
  /** Names the cluster and the database; see `identifyDatabase`. */
  readonly database: string
  /** Where the statement of an app may be given more columns and a WITH: what it means and what it needs of rights stay the same. */
  readonly mayBeRewritten: boolean
  readonly columns: ReadonlyMap<number, string>
  /** Columns of type json and jsonb: node-postgres would write a list as an SQL array. */
  readonly jsonColumns: ReadonlySet<string>
  /** Its rows are its own, and nobody else's: an ordinary table without rules or children. A view, a parent, a foreign
   *  table shows and changes rows that have another table's name. */
  readonly isPlain: boolean
  /** Its rows have versions that can be told apart and named: an ordinary table without rules or children, whose
   *  key is unique. */
  readonly givesTokens: boolean
}

/** pg_current_xact_id and its kin. */
const SERVER_VERSION_MIN = 130_000

/** Asks the catalogue. Undefined where there is no such table: the app's own statement then says so in
 *  PostgreSQL's words. */
export async function describeTable(
  client: PgClient,
  database: string,
  table: TableName,
  key: string | undefined,
): Promise<TableDescription | undefined> {
  const { rows } = await client.query(DESCRIBE, [quoteTable(table), key ?? null])
  const [row] = rows
  if (!row) return undefined
  const columns = new Map(
    (row.columns as string[]).map((column, index) => [Number((row.numbers as number[])[index]), column]),
  )
  return {
    database,
    key: key ?? String(row.primary_key ?? ''),
    mayBeRewritten: Boolean(row.may_be_rewritten) && columns.size <= COLUMNS_MAX,
    columns,
    oid: String(row.oid),
    jsonColumns: new Set(row.json_columns as string[]),
    isPlain: Boolean(row.is_plain),
    givesTokens:
      Boolean(row.is_plain) && Boolean(row.key_is_unique) && Number(row.server_version) >= SERVER_VERSION_MIN,
  }
}

/** A statement may return 1664 columns: the user's, and each of the table twice. */
const COLUMNS_MAX = 400

// row security: the CTE would ask other policies than the statement
// rules: a data-modifying WITH is an error on a table that has some
const DESCRIBE = `
SELECT c.oid::text AS oid,
  current_setting('server_version_num')::int AS server_version,
  c.relkind = 'r' AND NOT c.relhassubclass AND NOT c.relhasrules AS is_plain,
  EXISTS (
    SELECT FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indnkeyatts = 1
      AND i.indpred IS NULL AND i.indexprs IS NULL AND a.attname = coalesce($2, p.primary_key)
  ) AS key_is_unique,
  p.primary_key,
  NOT c.relrowsecurity AND has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'UPDATE') AS may_be_rewritten,
  ARRAY(
    SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
  ) AS columns,
  ARRAY(
    SELECT a.attnum::int FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
  ) AS numbers,
  ARRAY(
    SELECT a.attname::text FROM pg_catalog.pg_attribute AS a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('pg_catalog.json'::regtype, 'pg_catalog.jsonb'::regtype)
  ) AS json_columns
FROM pg_catalog.pg_class AS c LEFT JOIN LATERAL (
  SELECT a.attname::text AS primary_key
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
  WHERE i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1
) AS p ON true
WHERE c.oid = to_regclass($1)`

/** Those of these names that belong, in some schema but PostgreSQL's own, to a relation that is not plain.
 *  A name that belongs to nothing is one that the statement itself gives. */
export async function areStandIns(client: PgClient, names: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await client.query(STAND_INS, [names])
  return new Set(rows.map((row) => String(row.name)))
}

const STAND_INS = `
SELECT DISTINCT c.relname::text AS name FROM pg_catalog.pg_class AS c
WHERE c.relname = ANY ($1) AND NOT (c.relkind = 'r' AND NOT c.relhassubclass AND NOT c.relhasrules)
  AND c.relkind NOT IN ('S', 'i', 'I', 't', 'c')
  AND c.relnamespace <> ALL (ARRAY(
    SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname IN ('pg_catalog', 'information_schema')))`

/** Names cluster and database, so that the tokens of two databases are never compared. The cluster by the
 *  identifier that initdb gave it; where the role may not ask for it, by what the catalogue says of the database
 *  alone: then two clusters whose databases have the same name and oid are taken for one. Outside a
 *  transaction only: a refusal would abort it. */
export async function identifyDatabase(client: PgClient): Promise<string> {
  const { rows } = await client.query(
    `SELECT d.oid::text AS oid, d.datname::text AS name,
  has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may_ask
FROM pg_catalog.pg_database AS d WHERE d.datname = current_database()`,
  )
  const [row] = rows
  const cluster = row?.may_ask ? await systemIdentifier(client) : undefined
  return cluster === undefined ? `catalogue-${row?.name}-${row?.oid}` : `${cluster}-${row?.oid}`
}

async function systemIdentifier(client: PgClient): Promise<string | undefined> {
  try {
    const { rows } = await client.query(
      'SELECT system_identifier::text AS id FROM pg_catalog.pg_control_system()',
    )
    return rows[0] && String(rows[0].id)
  } catch {
    // a managed service may refuse in its own way
    return undefined
  }
}
