/** Columns that are added to what a statement returns, and taken off before the app sees the row. */
export const EXTRA = 'syncproof:'

export interface Statement {
  readonly text: string
  readonly values: unknown[]
}

export interface TableName {
  readonly schema?: string | undefined
  readonly name: string
}

/** What the statements need to know of a table that gives tokens. */
export interface TokenTable {
  readonly oid: string
  readonly key: string
}

export type LockMode = 'for update' | 'for no key update' | 'for share' | 'for key share'

export type Values = Readonly<Record<string, unknown>>

export function quoteTable(table: TableName): string {
  return table.schema === undefined ? quote(table.name) : `${quote(table.schema)}.${quote(table.name)}`
}

export function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

/** Collects parameters while a statement is written. */
class Parameters {
  readonly values: unknown[] = []

  add(value: unknown): string {
    this.values.push(value)
    return `$${this.values.length}`
  }
}

export function selectRow(
  table: TableName,
  where: Values,
  lock: LockMode | undefined,
  token: TokenTable | undefined,
): Statement {
  const parameters = new Parameters()
  const columns = token ? `t.*, ${stateColumns(token)}, ${ISOLATION}` : 't.*'
  const text = `SELECT ${columns} FROM ${quoteTable(table)} AS t WHERE ${conditions(where, parameters)}`
  return { text: lock ? `${text} ${lock.toUpperCase()}` : text, values: parameters.values }
}

/** `INSERT … RETURNING`: without ON CONFLICT it replaces no row. */
export function insertRow(table: TableName, data: Values, token: TokenTable | undefined): Statement {
  const parameters = new Parameters()
  const columns = Object.keys(data)
  const values = columns.map((column) => parameters.add(data[column]))
  const rows =
    columns.length === 0
      ? 'DEFAULT VALUES'
      : `(${columns.map(quote).join(', ')}) VALUES (${values.join(', ')})`
  const text = `INSERT INTO ${quoteTable(table)} AS t ${rows} RETURNING t.*`
  return {
    text: token ? `${text}, ${stateColumns(token)}, ${writeColumns(token)}` : text,
    values: parameters.values,
  }
}

/** `DELETE … RETURNING` gives the row that is replaced by none, as it was at the last moment. */
export function deleteRow(table: TableName, where: Values, token: TokenTable | undefined): Statement {
  const parameters = new Parameters()
  const text = `DELETE FROM ${quoteTable(table)} AS t WHERE ${conditions(where, parameters)} RETURNING t.*`
  if (!token) return { text, values: parameters.values }
  return {
    text: `WITH gone AS (${text}, ${stateColumns(token)})
SELECT gone.*, ${writeColumns(token)}, ${overwrittenStatus('gone')} FROM gone`,
    values: parameters.values,
  }
}

/** An update that returns the row before and after as two rows of the same columns, told apart by
 *  `syncproof:part`. Same columns, so that the driver reads both alike and nothing depends on their number. */
export function updateRow(
  table: TableName,
  where: Values,
  data: Values,
  token: TokenTable | undefined,
): Statement {
  const parameters = new Parameters()
  const condition = conditions(where, parameters)
  const assignments = Object.keys(data)
    .map((column) => `${quote(column)} = ${parameters.add(data[column])}`)
    .join(', ')
  const target = `${quoteTable(table)} AS t`
  if (!token)
    return {
      text: `UPDATE ${target} SET ${assignments} WHERE ${condition} RETURNING t.*`,
      values: parameters.values,
    }
  return { text: updateBehindLock(target, assignments, condition, token), values: parameters.values }
}

/** The row is locked and read by a CTE, with the lock that the update itself takes (a stronger one would block
 *  inserts of rows that refer to it) and the update's whole condition (a row that the update would not touch must
 *  not be locked). Not by `RETURNING old` of PostgreSQL 18: where the table has a BEFORE trigger and the update
 *  waited for another, `old` is the row before that other one (seen with 18.4), and a lost update looks like none. */
function updateBehindLock(target: string, assignments: string, condition: string, token: TokenTable): string {
  const key = quote(token.key)
  const part = (from: string, name: string) => `SELECT ${from}.*, '${name}' AS "${EXTRA}part" FROM ${from}`
  return `WITH b AS (SELECT t.*, ${stateColumns(token)} FROM ${target} WHERE ${condition} FOR NO KEY UPDATE),
a AS (UPDATE ${target} SET ${assignments} FROM b WHERE t.${key} = b.${key} AND ${condition}
  RETURNING t.*, ${stateColumns(token)}),
both_rows AS (${part('b', 'before')} UNION ALL ${part('a', 'after')})
SELECT r.*, ${writeColumns(token)}, ${overwrittenStatus('r')} FROM both_rows AS r`
}

const ISOLATION = `current_setting('transaction_isolation') AS "${EXTRA}isolation"`

function stateColumns(token: TokenTable): string {
  return `t.tableoid::text AS "${EXTRA}table", t.${quote(token.key)}::text AS "${EXTRA}key", t.xmin::text AS "${EXTRA}xmin"`
}

function writeColumns(token: TokenTable): string {
  return `pg_current_xact_id()::text AS "${EXTRA}xact", ${ISOLATION}, ${mayHide(token)} AS "${EXTRA}hides"`
}

/** Whether the table has an AFTER trigger: it may change the row once more, under a savepoint and so a
 *  transaction id of its own. One that runs before can do the same to other rows, where its text holds more than
 *  assignments. */
export function mayHide(token: TokenTable): string {
  // asked of each trigger, and not joined: most tables have none, and a join may be planned over all functions
  return `EXISTS (SELECT FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = ${Number(token.oid)} AND NOT g.tgisinternal
    AND g.tgenabled <> 'D' AND (g.tgtype & 66 = 0
    OR (SELECT p.prosrc FROM pg_catalog.pg_proc AS p WHERE p.oid = g.tgfoid) ~* '${REACHES_OUT}'))`
}

/** What a trigger's function holds where it does more than assign to its row: `TG_OP = 'DELETE'` is none of it. */
const REACHES_OUT =
  '[[:<:]](insert[[:space:]]+into|delete[[:space:]]+from|merge[[:space:]]+into|update[^;]*[[:<:]]set|select|perform|execute|call)[[:>:]]'

/** What became of the transaction that made the row which was replaced; see `decideOverwrittenBySelf`. Asked only
 *  of ids that the statement's snapshot knows to be assigned: pg_xact_status raises for one in the future. */
function overwrittenStatus(row: string): string {
  const current = 'pg_current_xact_id()::text::bigint'
  const xmin = `(${row}."${EXTRA}xmin")::bigint`
  const full = `${current} + (${xmin} - ${current} + 2147483648 & 4294967295) - 2147483648`
  return `CASE WHEN ${full} > ${current} AND ${full} < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    THEN pg_xact_status((${full})::text::xid8) END AS "${EXTRA}status"`
}

/** What became of a transaction id that the statement itself could not tell. */
export function transactionStatus(id: bigint): Statement {
  return {
    text: `SELECT CASE WHEN $1::bigint < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
  THEN pg_xact_status($1::bigint::text::xid8) END AS status`,
    values: [id.toString()],
  }
}

function conditions(where: Values, parameters: Parameters): string {
  return Object.entries(where)
    .map(([column, value]) =>
      value === null ? `t.${quote(column)} IS NULL` : `t.${quote(column)} = ${parameters.add(value)}`,
    )
    .join(' AND ')
}
