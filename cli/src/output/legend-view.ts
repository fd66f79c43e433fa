import { parseToken } from '@syncproof/core/contract'
import type { OperationRow } from '@syncproof/store'
import { INCONSISTENT } from './doubt-view.ts'
import { outcomePart } from './event-parts.ts'
import { flow, type Part } from './flow.ts'
import type { Labels } from './labels.ts'
import type { Paint } from './terminal.ts'
import { padEnd, printable } from './text.ts'

export interface Legend {
  readonly names: Labels
  readonly versions: Labels
  readonly operations: readonly OperationRow[]
  /** Ids of operations that nothing but inconsistent events tells of. */
  readonly doubted: readonly string[]
}

/** Which operation and which version each short name stands for. */
export function legendLines(
  { names, versions, operations, doubted }: Legend,
  paint: Paint,
  columns: number,
): string[] {
  const layout = { columns, paint, indent: 2, hanging: 6 }
  const known = new Map(operations.map((operation) => [operation.operation_id, operation]))
  return [
    ...(names.all.length === 0 ? [] : ['', paint('bold', 'Operations')]),
    ...names.all.flatMap(([id, label]) => {
      const operation = known.get(id)
      const who = operation && [operation.name, `in ${operation.service}`, operation.release].filter(Boolean)
      return flow(
        [
          { text: padEnd(label, 2), style: 'bold' },
          { text: printable(who?.join(' ') ?? '') },
          ...(doubted.includes(id)
            ? [{ text: INCONSISTENT, style: 'yellow' } as const]
            : endParts(operation)),
          { text: printable(id), style: 'dim' },
        ],
        layout,
      )
    }),
    ...(versions.all.length === 0 ? [] : ['', paint('bold', 'Versions')]),
    ...versions.all.flatMap(([token, label]) =>
      flow(
        [
          { text: padEnd(label, 3), style: 'bold' },
          { text: tokenText(token), style: 'dim' },
        ],
        layout,
      ),
    ),
  ]
}

/** The end of an operation names no entity, so it is no line of the timeline. */
function endParts(operation: OperationRow | undefined): readonly Part[] {
  if (operation === undefined) return []
  const { outcome } = operation
  return [outcome === null ? { text: 'not ended', style: 'yellow' } : outcomePart(outcome)]
}

function tokenText(token: string): string {
  const parts = parseToken(token)
  return printable(
    parts === undefined ? token : `${parts.kind} ${parts.value} of ${parts.table} ${parts.key}`,
  )
}
