import { type EntityRef, entityKey, formatToken, limits } from '@syncproof/core/contract'
import type { Context } from './context.ts'
import type { RowRef, RowState, WriteEvidence } from './evidence.ts'
import type { Operation } from './operation.ts'

/** The row's own, unless it surely is the entity's row: an audit line that is written within an operation on a
 *  candidate must not pass for a write of the candidate.
 *  @param type what the row's table was declared to hold */
export function entityOf(
  { operation, scope }: Context,
  row: RowRef | undefined,
  isRead: boolean,
  type: string | undefined,
): EntityRef {
  const entity = scope?.entity ?? operation.entity
  // as any other type, its id would be seen
  if (row && type !== undefined && type !== entity.type && operation.instruments.hiddenIds?.has(type))
    return { type, id: row.key }
  if (!scope || row === undefined || row.key === entity.id) return entity
  if (scope.reported === 0 && (scope.isEntityGiven || isEntityRow(operation, row, isRead))) return entity
  if (type !== undefined) return { type: entity.type, id: row.key }
  return namedByKey(operation, entity.type, row.key, `other rows in marks on a '${entity.type}'`)
}

/** A row that nobody declared the type of. Where ids of some types are hidden, its key may be one of them.
 *  @param rows what to call such rows in a warning */
export function namedByKey(operation: Operation, type: string, key: string, rows: string): EntityRef {
  const { hiddenIds, warn } = operation.instruments
  const entity = { type, id: key }
  if (hiddenIds && !hiddenIds.has(type)) {
    const how = hiddenIds.doubt(entity) ? 'by hashes of their keys' : 'with their keys as they are'
    warn(
      'undeclared_table',
      `${rows}, and maybe others, are of no declared type and reported ${how}: declare each type with its \`table\`.`,
    )
  }
  return entity
}

/** An entity may be named otherwise than its row's key: then the first row that is read for it is its row. */
function isEntityRow(operation: Operation, row: RowRef, isRead: boolean): boolean {
  const id = `${row.database}/${row.table}/${row.key}`
  if (isRead) operation.entityRow ??= id
  return operation.entityRow === id
}

export function tokenOf(state: RowState | undefined): string | undefined {
  if (!state?.row || state.xmin === undefined) return undefined
  const token = formatToken({ kind: 'xmin', ...state.row, value: state.xmin })
  return token.length <= limits.stringLengthMax ? token : undefined
}

/** The name under which what is known of a row is kept. No entity's has two line ends at its beginning. */
export function rowIdOf(state: RowState | undefined): string | undefined {
  const row = state?.row
  return row && `\n\n${row.database}\n${row.table}\n${row.key}`
}

/** The name under which marks without a helper keep what they know. */
export function entityRowId(context: Context, entity: EntityRef): string {
  return `${context.scope?.system ?? ''}\n${entityKey(entity)}`
}

export function rowBeforeState(evidence: WriteEvidence): RowState | undefined {
  return evidence.before === 'none' ? undefined : evidence.before
}

export function rowBefore(evidence: WriteEvidence): RowRef | undefined {
  return rowBeforeState(evidence)?.row
}
