import { listOf, type Node, names, nodeOf, only, textOf, walk } from './node.ts'
import type { Assigned, Equality, Operand, TableRef, Touched } from './statement.ts'

/** Functions of PostgreSQL that neither read nor write rows of tables. */
const HARMLESS: ReadonlySet<string> = new Set(
  `abs age array_agg array_append array_cat array_length array_position array_prepend array_remove
  array_to_string avg bool_and bool_or btrim cardinality ceil char_length clock_timestamp concat concat_ws
  count current_setting date_part date_trunc decode dense_rank encode every extract first_value floor format
  gen_random_uuid generate_series greatest hashtext hashtextextended initcap json_agg json_build_array
  json_build_object json_object_agg jsonb_agg jsonb_array_elements jsonb_array_elements_text
  jsonb_array_length jsonb_build_array jsonb_build_object jsonb_object_agg jsonb_set jsonb_strip_nulls
  jsonb_typeof lag last_value lead least left length lower lpad ltrim make_interval max md5 min mod nextval
  now nullif octet_length pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all
  pg_advisory_unlock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_backend_pid
  pg_current_xact_id pg_current_xact_id_if_assigned pg_try_advisory_lock pg_try_advisory_lock_shared
  pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared plainto_tsquery position power quote_literal
  random rank regexp_match regexp_matches regexp_replace repeat replace reverse right round row_number rpad
  rtrim sha256 sign split_part sqrt starts_with statement_timestamp stddev string_agg string_to_array strpos
  substr substring sum timezone to_char to_date to_json to_jsonb to_number to_timestamp to_tsvector
  transaction_timestamp translate trim trunc ts_rank txid_current unnest upper uuidv4 uuidv7 variance version
  websearch_to_tsquery`.split(/\s+/),
)

/** Of those, the ones that give the same answer twice in one statement. */
const CHANGEABLE: ReadonlySet<string> = new Set(
  `clock_timestamp gen_random_uuid nextval pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock
  pg_advisory_unlock_all pg_advisory_unlock_shared pg_advisory_xact_lock pg_advisory_xact_lock_shared
  pg_current_xact_id pg_current_xact_id_if_assigned pg_try_advisory_lock pg_try_advisory_lock_shared
  pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared random txid_current uuidv4 uuidv7`.split(/\s+/),
)

/** Tables below a node, and whether a function may do whatever it likes. */
export function touchedBy(root: unknown): Touched {
  const tables = new Set<string>()
  for (const [type, node] of walk(root)) {
    if (typeof node.relname === 'string') tables.add(node.relname)
    if (type === 'FuncCall' && !HARMLESS.has(functionName(node))) return 'anything'
  }
  return [...tables]
}

/** Whether an expression gives the same answer when it is asked twice, and has no effect. */
export function isRepeatable(root: unknown): boolean {
  for (const [type, node] of walk(root)) {
    if (type === 'SubLink' || type === 'CurrentOfExpr') return false
    if (type !== 'FuncCall') continue
    const name = functionName(node)
    if (!HARMLESS.has(name) || CHANGEABLE.has(name)) return false
  }
  return true
}

export function hasFunction(root: unknown): boolean {
  for (const [type] of walk(root)) if (type === 'FuncCall' || type === 'SubLink') return true
  return false
}

const WRITES: ReadonlySet<string> = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'])

/** Also `UPDATE … FROM`, whose node is handed in without its name. */
export function hasWrite(root: unknown): boolean {
  if (nodeOf(nodeOf(root).relation).relname !== undefined) return true
  for (const [type] of walk(root)) if (WRITES.has(type)) return true
  return false
}

/** Without schema, but for one that is not PostgreSQL's. */
function functionName(call: Node): string {
  const path = names(call.funcname)
  return path.length === 1 || path[0] === 'pg_catalog' ? (path.at(-1) ?? '') : path.join('.')
}

/** The value that an expression is, a cast of it included; undefined where it must be computed. */
function operandOf(value: unknown): Operand | undefined {
  const cast = only(value, 'TypeCast')
  if (cast) return operandOf(cast.arg)
  const param = only(value, 'ParamRef')
  if (param) return typeof param.number === 'number' ? { param: param.number } : undefined
  const constant = only(value, 'A_Const')
  return constant && literalOf(constant)
}

function literalOf(constant: Node): Operand | undefined {
  if (constant.isnull === true) return { literal: null }
  if ('sval' in constant) return { literal: textOf(nodeOf(constant.sval).sval) ?? '' }
  if ('boolval' in constant) return { literal: nodeOf(constant.boolval).boolval === true }
  // the grammar leaves 0 out
  if ('ival' in constant) return { literal: Number(nodeOf(constant.ival).ival ?? 0) }
  if ('fval' in constant) return { literal: textOf(nodeOf(constant.fval).fval) ?? '' }
  return undefined
}

export function assignedOf(value: unknown): Assigned {
  const multi = only(value, 'MultiAssignRef')
  if (!multi) return operandOf(value) ?? 'expression'
  const row = only(multi.source, 'RowExpr')
  return row ? assignedOf(listOf(row.args)[Number(multi.colno) - 1]) : 'expression'
}

/** The columns that WHERE wants equal to something given. */
export function equalitiesOf(where: unknown, table: TableRef): readonly Equality[] {
  const bool = only(where, 'BoolExpr')
  if (bool)
    return bool.boolop === 'AND_EXPR' ? listOf(bool.args).flatMap((arg) => equalitiesOf(arg, table)) : []
  const equality = equalityOf(only(where, 'A_Expr'), table)
  return equality ? [equality] : []
}

function equalityOf(expression: Node | undefined, table: TableRef): Equality | undefined {
  if (!expression || names(expression.name).join('.') !== '=') return undefined
  const { kind, lexpr, rexpr } = expression
  if (kind === 'AEXPR_OP') {
    const column = columnOf(lexpr, table) ?? columnOf(rexpr, table)
    const operand = operandOf(columnOf(lexpr, table) === undefined ? lexpr : rexpr)
    return column !== undefined && operand ? { column, operands: [operand] } : undefined
  }
  const column = columnOf(lexpr, table)
  if (column === undefined) return undefined
  if (kind === 'AEXPR_IN') {
    const items = listOf(only(rexpr, 'List')?.items)
    const operands = items.flatMap((item) => operandOf(item) ?? [])
    return operands.length === items.length ? { column, operands } : undefined
  }
  if (kind !== 'AEXPR_OP_ANY') return undefined
  const operand = operandOf(rexpr)
  return operand && 'param' in operand ? { column, operands: [operand], isArray: true } : undefined
}

/** The column's name where the expression is nothing but a column of this table. */
function columnOf(value: unknown, table: TableRef): string | undefined {
  const fields = listOf(only(value, 'ColumnRef')?.fields)
  const path = names(fields)
  if (path.length !== fields.length) return undefined
  if (path.length === 1) return path[0]
  if (path.length === 2) return path[0] === table.alias ? path[1] : undefined
  const isQualified = path.length === 3 && path[0] === table.schema && path[1] === table.alias
  return isQualified ? path[2] : undefined
}
