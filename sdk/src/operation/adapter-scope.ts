import type { EntityRef } from '@syncproof/core/contract'
import type { Context, MarkScope } from './context.ts'
import type { AdapterSource, ReadEvidence, RowRef, RowState, WriteEvidence } from './evidence.ts'
import type { Operation } from './operation.ts'
import { namedByKey } from './row-identity.ts'

/** The context that a statement is reported in: the mark around it, else what the adapter says by itself. */
export function withAdapter(
  context: Context,
  kind: 'read' | 'write',
  { adapter }: { readonly adapter?: AdapterSource | undefined },
  row: RowRef | undefined,
): Context {
  // a database that is asked while something is sent is not what the mark of the sending is about
  if (!adapter || (context.scope && context.scope.kind !== 'sync')) return context
  const { operation } = context
  const entity = entityOfRow(operation, adapter, row?.key ?? adapter.key)
  const scope: MarkScope = {
    kind,
    system: adapter.system,
    entity,
    isEntityGiven: true,
    counter: operation.declaredFields('counter', entity),
    lastWriteWins: operation.declaredFields('lastWriteWins', entity),
    reported: 0,
  }
  return { ...context, scope }
}

function entityOfRow(operation: Operation, adapter: AdapterSource, key: string | undefined): EntityRef {
  // which row it was nobody knows: it may have been the operation's own
  if (key === undefined || key === '') return operation.entity
  const type = adapter.entityType ?? declaredType(operation, adapter.table)
  if (type !== undefined) return { type, id: key }
  if (key === operation.entity.id) return operation.entity
  return namedByKey(operation, adapter.table, key, `rows of the table '${adapter.table}'`)
}

/** The type of the rows that a statement is about; undefined where nobody declared it. */
export function typeOfRows(
  operation: Operation,
  { adapter, table }: ReadEvidence | WriteEvidence,
): string | undefined {
  if (adapter?.entityType !== undefined) return adapter.entityType
  // elsewhere rows are only told apart from the operation's own, and looking costs
  const name = table ?? (operation.instruments.hiddenIds && adapter?.table)
  return name === undefined ? undefined : declaredType(operation, name)
}

/** The type that names the table, or is named like it. */
function declaredType({ instruments }: Operation, table: string): string | undefined {
  const declared = Object.entries(instruments.entities).find(
    ([type, entity]) => (entity.table ?? type) === table,
  )
  return declared?.[0]
}

/** What was seen of a read, in the names and values that the app has. */
export function presentedRead(evidence: ReadEvidence): ReadEvidence {
  return evidence.adapter?.present
    ? { ...evidence, found: presentedState(evidence, evidence.found) }
    : evidence
}

/** The same of a write. */
export function presentedWrite(evidence: WriteEvidence): WriteEvidence {
  const present = evidence.adapter?.present
  if (!present) return evidence
  const computed = Object.fromEntries((evidence.expressions ?? []).map((column) => [column, null]))
  return {
    ...evidence,
    data: present(evidence.data),
    expressions: Object.keys(present(computed)),
    before: evidence.before === 'none' ? 'none' : presentedState(evidence, evidence.before),
    after: presentedState(evidence, evidence.after),
  }
}

function presentedState(
  { adapter }: ReadEvidence | WriteEvidence,
  state: RowState | undefined,
): RowState | undefined {
  return state && adapter?.present ? { ...state, record: adapter.present(state.record) } : state
}
