import { type ProcessReport, type StoredEvent, uuidV7TimeMs } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { toStoredEvent } from './events.ts'
import { firstIdAt, jsonb } from './sql-text.ts'
import type { OperationHistoryRow } from './store.ts'

/** A process whose clock was set back in the middle of an operation made ids that are smaller than the
 *  operation's first one; by more than this, its history is not looked for. */
const CLOCK_STEP_MS_MAX = 24 * 60 * 60 * 1000

interface HistoryRow {
  readonly operation_id: string
  readonly process: ProcessReport
  /** A JSON array. */
  readonly events: string
  readonly first_seq: string
  readonly last_seq: string
  readonly finished: boolean
  readonly complete: boolean
}

/** The operations with all their stored events. Those that have finished but lack a sequence number of their
 *  process are remembered as waiting; those that are complete no longer wait. */
export async function loadHistories(
  tx: Tx,
  projectId: string,
  operationIds: readonly string[],
): Promise<readonly OperationHistoryRow[]> {
  if (operationIds.length === 0) return []
  const rows = await selectHistories(tx, projectId, operationIds, await oldestId(tx, projectId, operationIds))
  await rememberWaiting(tx, projectId, rows)
  return rows.map(({ operation_id, process, events, complete }) => ({
    operationId: operation_id,
    process,
    events: (JSON.parse(events) as Omit<StoredEvent, 'process_id'>[]).map((payload) =>
      toStoredEvent({ process_id: process.id, payload }),
    ),
    complete,
  }))
}

/** Operations that waited for a gap in the sequence of one of these processes which has been filled. Only
 *  the processes of new events can have filled one, so nothing else is looked at. */
export async function filledOperations(
  tx: Tx,
  projectId: string,
  processIds: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ operation_id: string }>`
    select waiting.operation_id
    from syncproof.waiting_operations waiting
    join syncproof.processes process using (project_id, process_id)
    where waiting.project_id = ${projectId} and waiting.process_id = any(${processIds}::uuid[])
      and process.seen @> int8range(waiting.first_seq, waiting.last_seq + 1)`.execute(tx)
  return rows.map((row) => row.operation_id)
}

/** Where the search through the partitions may begin. */
async function oldestId(tx: Tx, projectId: string, operationIds: readonly string[]): Promise<string> {
  const { rows } = await sql<{ first_event_id: string }>`
    select first_event_id from syncproof.operations
    where project_id = ${projectId} and operation_id = any(${operationIds}::uuid[])
    order by first_event_id limit 1`.execute(tx)
  const firstMs = uuidV7TimeMs(rows[0]?.first_event_id ?? '') ?? 0
  return firstIdAt(firstMs - CLOCK_STEP_MS_MAX)
}

/** One statement, so that events and sequence numbers are of one snapshot: a number that is seen and whose event
 *  is not would be taken for something that did not happen. Events are put together as text, which is several times
 *  cheaper than jsonb_agg. */
async function selectHistories(
  tx: Tx,
  projectId: string,
  operationIds: readonly string[],
  oldest: string,
): Promise<readonly HistoryRow[]> {
  const { rows } = await sql<HistoryRow>`
    with history as (
      select process_id, operation_id, '[' || string_agg(payload::text, ',' order by seq, id) || ']' as events,
        min(seq) as first_seq, max(seq) as last_seq, bool_or(kind = 'operation_finished') as finished
      from syncproof.events
      where project_id = ${projectId} and operation_id = any(${operationIds}::uuid[]) and id >= ${oldest}
      group by process_id, operation_id)
    select operation_id, events, first_seq, last_seq, finished,
      finished and seen @> int8range(first_seq, last_seq + 1) as complete,
      jsonb_strip_nulls(jsonb_build_object('id', process_id, 'service', service, 'release', release,
        'host', host, 'clock', clock, 'books', jsonb_build_object('produced', produced, 'dropped', dropped)))
        as process
    from history
    join syncproof.processes using (process_id)
    where project_id = ${projectId}
    order by operation_id, process_id`.execute(tx)
  return rows
}

async function rememberWaiting(tx: Tx, projectId: string, rows: readonly HistoryRow[]): Promise<void> {
  const finished = rows.filter((row) => row.finished)
  const waiting = finished.filter((row) => !row.complete).map(toWaiting)
  const complete = finished.filter((row) => row.complete).map(toWaiting)
  if (waiting.length > 0) {
    await sql`
      insert into syncproof.waiting_operations
      select ${projectId}, process_id, operation_id, first_seq, last_seq
      from jsonb_to_recordset(${jsonb(waiting)})
        as new(process_id uuid, operation_id uuid, first_seq bigint, last_seq bigint)
      on conflict (project_id, process_id, operation_id) do update set
        first_seq = excluded.first_seq, last_seq = excluded.last_seq`.execute(tx)
  }
  if (complete.length > 0) {
    await sql`
      delete from syncproof.waiting_operations waiting
      using jsonb_to_recordset(${jsonb(complete)}) as done(process_id uuid, operation_id uuid)
      where waiting.project_id = ${projectId} and waiting.process_id = done.process_id
        and waiting.operation_id = done.operation_id`.execute(tx)
  }
}

function toWaiting({ process, operation_id, first_seq, last_seq }: HistoryRow) {
  return { process_id: process.id, operation_id, first_seq, last_seq }
}
