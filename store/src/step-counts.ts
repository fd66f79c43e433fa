import type { StoredEvent } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Counted } from './count-store.ts'
import type { Tx } from './database.ts'
import { jsonb } from './sql-text.ts'
import type { DetectionBatch, SyncedWrite } from './store.ts'

type Labels = Readonly<Record<string, string | number>>

interface Change {
  readonly project_id: string
  readonly metric: Counted
  readonly labels: Labels
}

/** An operation whose start has not come. */
const UNKNOWN = '__unknown__'

/** Counts what the events of a step tell. Every event is judged once as a new one, so nothing counts twice; the step's
 *  transaction makes it so for steps that are done again, too. */
export async function countStep(
  tx: Tx,
  steps: readonly { readonly batch: DetectionBatch; readonly synced: readonly SyncedWrite[] }[],
): Promise<void> {
  const changes = steps.flatMap(({ batch, synced }) => [
    ...eventChanges(batch),
    ...syncedChanges(batch, synced),
  ])
  if (changes.length === 0) return
  const groups = Map.groupBy(changes, (change) => JSON.stringify(change))
  const rows = [...groups.values()].flatMap(([first, ...others]) =>
    first ? { ...first, value: others.length + 1 } : [],
  )
  await sql`
    insert into syncproof.count_changes (project_id, metric, labels, value)
    select project_id, metric, labels, value
    from jsonb_to_recordset(${jsonb(rows)}) as change(project_id text, metric text, labels jsonb, value bigint)`.execute(
    tx,
  )
}

function eventChanges({ projectId: project_id, events, operations }: DetectionBatch): readonly Change[] {
  const names = new Map<string, string>()
  for (const { operationId, events } of operations) {
    for (const event of events) if (event.kind === 'operation_started') names.set(operationId, event.name)
  }
  return events.flatMap((event) => {
    const operation = ('operation_id' in event && names.get(event.operation_id)) || UNKNOWN
    return changesOf(event, operation).map((change) => ({ project_id, ...change }))
  })
}

function changesOf(event: StoredEvent, operation: string): readonly Omit<Change, 'project_id'>[] {
  const retries = (attempt: number) =>
    attempt > 1 ? [{ metric: 'retries', labels: { operation } } as const] : []
  switch (event.kind) {
    case 'operation_started':
      return retries(event.attempt)
    case 'operation_finished':
      return [{ metric: 'operations', labels: { operation, outcome: event.outcome } }]
    case 'write':
      return [{ metric: 'writes', labels: { operation, system: event.system, outcome: event.outcome } }]
    case 'sync': {
      const labels = { operation, system: event.system, outcome: event.outcome }
      return [{ metric: 'syncs', labels }, ...retries(event.attempt)]
    }
    default:
      return []
  }
}

function syncedChanges({ projectId }: DetectionBatch, synced: readonly SyncedWrite[]): readonly Change[] {
  return synced.map(({ entityType, system, result, withinS }) => ({
    project_id: projectId,
    metric: 'writes_synced',
    labels: { entity_type: entityType, system, result, ...(withinS !== undefined && { within_s: withinS }) },
  }))
}
