import type { Finding } from '@syncproof/core/contract'
import type { Selectable } from 'kysely'
import { rfc3339 } from './sql-text.ts'
import type { Tables } from './tables.ts'

/** The columns of `syncproof.findings` that make a `FindingRow`. */
export const findingColumns = [
  'id',
  'kind',
  'verdict',
  'severity',
  'status',
  'entity_type',
  'entity_id',
  'fields',
  'summary',
  'reason',
  'cause',
  'witness',
  'details',
  rfc3339('occurred_at').as('occurred_at'),
  rfc3339('first_seen_at').as('first_seen_at'),
  rfc3339('last_seen_at').as('last_seen_at'),
  'occurrences',
  'resolution',
  'note',
] as const

export interface FindingRow
  extends Omit<
    Selectable<Tables['syncproof.findings']>,
    'project_id' | 'operation' | 'occurred_at' | 'first_seen_at' | 'last_seen_at'
  > {
  readonly occurred_at: string
  readonly first_seen_at: string
  readonly last_seen_at: string
}

export function toFinding(row: FindingRow): Finding {
  const { entity_type, entity_id, reason, resolution, note, occurrences, ...same } = row
  return {
    ...same,
    ...(entity_type !== null && entity_id !== null && { entity: { type: entity_type, id: entity_id } }),
    ...(reason !== null && { reason }),
    ...(resolution !== null && { resolution }),
    ...(note !== null && { note }),
    // A hazard that was seen in an operation that has not ended yet has counted none so far.
    occurrences: Math.max(1, Number(occurrences)),
  }
}
