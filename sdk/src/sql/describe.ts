import { assignedOf, equalitiesOf, hasFunction, hasWrite, isRepeatable, touchedBy } from './expression.ts'
import { listOf, locationOf, type Node, nodeOf, only, textOf } from './node.ts'
import { describeSession, describeTransaction } from './session.ts'
import type {
  Assigned,
  DeleteStatement,
  Equality,
  InsertStatement,
  Lock,
  SelectStatement,
  Statement,
  TableRef,
  UnknownStatement,
  UpdateStatement,
} from './statement.ts'
import { StatementText } from './text.ts'

/** Says what one statement does.
 *  @param parsed what libpg-query makes of the text
 *  @param scan its tokens, asked only where clauses must be found */
export function describeStatement(text: string, parsed: unknown, scan: () => unknown): Statement {
  const statements = listOf(nodeOf(parsed).stmts)
  const [first] = statements
  if (statements.length > 1) return unknown('more than one statement', parsed, true)
  if (first === undefined) return unknown('no statement', parsed)
  const statement = nodeOf(nodeOf(first).stmt)
  const source = () => new StatementText(text, scan())
  const [type = ''] = Object.keys(statement)
  const node = nodeOf(statement[type])
  if (node.withClause !== undefined) return unknown('WITH', statement)
  switch (type) {
    case 'SelectStmt':
      return describeSelect(node, source)
    case 'UpdateStmt':
      return describeUpdate(node, source)
    case 'DeleteStmt':
      return describeDelete(node, source)
    case 'InsertStmt':
      return describeInsert(node, source)
    case 'TransactionStmt':
      return describeTransaction(node) ?? unknown('two-phase commit', statement, true)
    default:
      return describeSession(type, node) ?? unknown(type, 'anything', isProgram(type))
  }
}

/** What runs statements that are not in its text. */
function isProgram(type: string): boolean {
  return type === 'CallStmt' || type === 'DoStmt' || type === 'ExecuteStmt'
}

function unknown(why: string, root: unknown, mayEndTransaction = false): UnknownStatement {
  const touches = root === 'anything' ? root : touchedBy(root)
  const mayWrite = touches === 'anything' || mayEndTransaction || hasWrite(root)
  return { kind: 'unknown', why, touches, mayWrite, mayEndTransaction }
}

const LOCKS: Readonly<Record<string, Lock>> = {
  LCS_FORUPDATE: 'FOR UPDATE',
  LCS_FORNOKEYUPDATE: 'FOR NO KEY UPDATE',
  LCS_FORSHARE: 'FOR SHARE',
  LCS_FORKEYSHARE: 'FOR KEY SHARE',
}

/** From the strongest. */
const LOCK_ORDER = Object.values(LOCKS)

function describeSelect(node: Node, source: () => StatementText): SelectStatement | UnknownStatement {
  const from = listOf(node.fromClause)
  const range = only(from[0], 'RangeVar')
  if (from.length !== 1 || !range) return unknown('not of one table', node)
  if (node.op !== 'SETOP_NONE' || node.intoClause !== undefined || node.valuesLists !== undefined)
    return unknown('a query of more than rows', node)
  const table = tableOf(range)
  const locks = listOf(node.lockingClause).map(
    (item) => LOCKS[String(nodeOf(nodeOf(item).LockingClause).strength)],
  )
  const grouped = ['distinctClause', 'groupClause', 'havingClause', 'windowClause'].some(
    (name) => name in node,
  )
  const carries = !grouped && !hasFunction(node.targetList) && listOf(node.targetList).length > 0
  const fromKeyword = carries ? source().keywordBefore('FROM', locationOf(range)) : undefined
  return {
    kind: 'select',
    ...conditional(table, node),
    lock: LOCK_ORDER.find((lock) => locks.includes(lock)),
    columnsEnd: fromKeyword && source().between(0, fromKeyword.start).end,
  }
}

function describeUpdate(node: Node, source: () => StatementText): UpdateStatement | UnknownStatement {
  if (node.fromClause !== undefined) return unknown('UPDATE … FROM', node)
  const relation = nodeOf(node.relation)
  const table = tableOf(relation)
  const text = source()
  const targets = listOf(node.targetList).map((item) => nodeOf(nodeOf(item).ResTarget))
  const assigned: Record<string, Assigned> = Object.create(null)
  for (const target of targets)
    assigned[textOf(target.name) ?? ''] =
      target.indirection === undefined ? assignedOf(target.val) : 'expression'
  const condition = conditional(table, node)
  return {
    kind: 'update',
    ...condition,
    ...writing(node, text),
    assigned,
    guard: guardOf(condition.equalities, assigned),
    parts: partsOf(node, text, locationOf(nodeOf(targets[0]))),
  }
}

function partsOf(node: Node, text: StatementText, firstTarget: number): UpdateStatement['parts'] {
  const set = text.keywordBefore('SET', firstTarget)
  const where = set && text.keywordAfter('WHERE', set.end)
  if (!set || !where || node.whereClause === undefined) return undefined
  const { start, end } = text.whole
  const returning = text.keywordAfter('RETURNING', where.end)
  const update = text.keywordAfter('UPDATE', start)
  if (!update) return undefined
  return {
    target: text.between(update.end, set.start),
    set: text.between(set.end, where.start),
    where: text.between(where.end, returning?.start ?? end),
  }
}

/** Names that a column has whose purpose is to tell versions apart. */
const VERSION_COLUMNS: ReadonlySet<string> = new Set([
  'version',
  'lock_version',
  'lockVersion',
  'row_version',
  'rowVersion',
  'revision',
  'rev',
  'etag',
  'updated_at',
  'updatedAt',
])

/** `… SET version = version + 1 … AND version = $2`: the write is refused where another came before it. A column
 *  of any other name, such as a state, is compared for its own sake. */
function guardOf(
  equalities: readonly Equality[],
  assigned: Readonly<Record<string, Assigned>>,
): 'version' | undefined {
  const guards = equalities.some(
    ({ column, operands, isArray }) =>
      operands.length === 1 &&
      !isArray &&
      (column === 'xmin' || (VERSION_COLUMNS.has(column) && column in assigned)),
  )
  return guards ? 'version' : undefined
}

function describeDelete(node: Node, source: () => StatementText): DeleteStatement | UnknownStatement {
  if (node.usingClause !== undefined) return unknown('DELETE … USING', node)
  return { kind: 'delete', ...conditional(tableOf(nodeOf(node.relation)), node), ...writing(node, source()) }
}

function describeInsert(node: Node, source: () => StatementText): InsertStatement {
  const relation = nodeOf(node.relation)
  const columns = listOf(node.cols).map((item) => nodeOf(nodeOf(item).ResTarget))
  const select = only(node.selectStmt, 'SelectStmt')
  const rows = listOf(select?.valuesLists).map((row) => listOf(only(row, 'List')?.items).map(assignedOf))
  const conflict = node.onConflictClause === undefined ? undefined : nodeOf(node.onConflictClause)
  // DEFAULT VALUES has neither
  const isQuery = select !== undefined && rows.length === 0
  return {
    kind: 'insert',
    table: tableOf(relation),
    columns: columns.length === 0 ? undefined : columns.map((column) => textOf(column.name) ?? ''),
    rows: isQuery ? undefined : select ? rows : [[]],
    onConflict: conflict && (conflict.action === 'ONCONFLICT_NOTHING' ? 'nothing' : 'update'),
    alsoTouches: touchedBy([node.selectStmt, node.onConflictClause, node.returningClause]),
    ...writing(node, source()),
  }
}

function tableOf(range: Node): TableRef {
  const name = textOf(range.relname) ?? ''
  return {
    schema: textOf(range.schemaname),
    name,
    alias: textOf(nodeOf(range.alias).aliasname) ?? name,
  }
}

function conditional(table: TableRef, node: Node) {
  return {
    table,
    equalities: equalitiesOf(node.whereClause, table),
    repeatable: isRepeatable(node.whereClause),
    alsoTouches: touchedBy([node.targetList, node.whereClause, node.returningClause]),
  }
}

function writing(node: Node, text: StatementText) {
  const clause = nodeOf(node.returningClause)
  const whole = text.whole
  const exprs = listOf(clause.exprs).map((item) => nodeOf(nodeOf(item).ResTarget))
  const [first] = exprs
  const keyword = first && text.keywordBefore('RETURNING', locationOf(first))
  const stars = exprs.flatMap((target) => {
    const fields = listOf(only(target.val, 'ColumnRef')?.fields)
    if (fields.length !== 1 || only(fields[0], 'A_Star') === undefined) return []
    const start = text.at(locationOf(target))
    return [{ start, end: start + 1 }]
  })
  return {
    span: whole,
    returning: keyword && { start: keyword.start, end: whole.end },
    stars,
  }
}
