import { listOf, type Node, nodeOf, only, textOf } from './node.ts'
import type { SessionStatement, TransactionStatement } from './statement.ts'

/** Undefined for the statements of two-phase commit. */
export function describeTransaction(node: Node): TransactionStatement | undefined {
  const name = textOf(node.savepoint_name) ?? ''
  switch (node.kind) {
    case 'TRANS_STMT_BEGIN':
    case 'TRANS_STMT_START':
      return { kind: 'begin', isolation: isolationIn(node.options) }
    case 'TRANS_STMT_COMMIT':
      return { kind: 'commit', chain: node.chain === true }
    case 'TRANS_STMT_ROLLBACK':
      return { kind: 'rollback', chain: node.chain === true }
    case 'TRANS_STMT_SAVEPOINT':
      return { kind: 'savepoint', name }
    case 'TRANS_STMT_RELEASE':
      return { kind: 'release', name }
    case 'TRANS_STMT_ROLLBACK_TO':
      return { kind: 'rollback_to', name }
    default:
      return undefined
  }
}

const ROLE_SETTINGS: ReadonlySet<unknown> = new Set(['role', 'session_authorization'])
const WITHOUT_ROWS: ReadonlySet<string> = new Set([
  'VariableShowStmt',
  'ListenStmt',
  'UnlistenStmt',
  'NotifyStmt',
  'DeallocateStmt',
  'CheckPointStmt',
  'ConstraintsSetStmt',
])

/** Settings of the connection; undefined for any other statement. */
export function describeSession(
  type: string,
  node: Node,
): SessionStatement | TransactionStatement | undefined {
  if (type === 'DiscardStmt') return { kind: 'session', changesRole: true }
  if (WITHOUT_ROWS.has(type)) return { kind: 'session', changesRole: false }
  if (type !== 'VariableSetStmt') return undefined
  const isolation = node.name === 'TRANSACTION' ? isolationIn(node.args) : undefined
  if (isolation !== undefined) return { kind: 'set_isolation', isolation }
  return { kind: 'session', changesRole: ROLE_SETTINGS.has(node.name) || node.kind === 'VAR_RESET_ALL' }
}

function isolationIn(options: unknown): string | undefined {
  for (const item of listOf(options)) {
    const option = only(item, 'DefElem')
    if (option?.defname !== 'transaction_isolation') continue
    return textOf(nodeOf(only(option.arg, 'A_Const')?.sval).sval)
  }
  return undefined
}
