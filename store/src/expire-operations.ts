import { type SqlBool, sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { type Pass, promiseGone, ROWS_AT_ONCE } from './expire-pass.ts'
import { sweepTable } from './expire-rows.ts'
import { firstIdAt, jsonb } from './sql-text.ts'

/** An event may be named an hour ahead of the moment in which it is stored. */
const AHEAD_MS = 2 * 60 * 60 * 1000

/** Removes operations whose events are all gone and that have been quiet for long enough, with their waiting for gaps.
 *  Their processes remember that they are not known any more (`closed_below`). */
export async function expireOperations(pass: Pass): Promise<void> {
  const { operationsMs } = pass.policy
  const eventsGoneMs = await goneBefore(pass.db, 'events')
  if (operationsMs === null || eventsGoneMs === undefined) return
  // never before their events: who has an event looks for its operation
  const cutoffMs = Math.min(pass.nowMs - operationsMs, eventsGoneMs - AHEAD_MS)
  await promiseGone(pass.db, 'operations', cutoffMs)
  let from: string | undefined
  do {
    if (pass.signal.aborted) return
    const until = await endOfWindow(pass.db, from, cutoffMs + AHEAD_MS)
    await pass.remove('operations', (tx) => removeOperations(tx, from, until, cutoffMs))
    from = until
  } while (from)
}

async function goneBefore(db: Database, subject: 'events' | 'operations'): Promise<number | undefined> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from gone_before)::double precision * 1000 as ms
    from syncproof.retention where subject = ${subject}`.execute(db)
  return rows[0]?.ms ?? undefined
}

async function endOfWindow(
  db: Database,
  from: string | undefined,
  beforeMs: number,
): Promise<string | undefined> {
  const { rows } = await sql<{ first_event_id: string }>`
    select first_event_id from syncproof.operations
    where ${isAfter(from)} and first_event_id < ${firstIdAt(beforeMs)}
    order by first_event_id offset ${ROWS_AT_ONCE - 1} limit 1`.execute(db)
  return rows[0]?.first_event_id
}

function isAfter(eventId: string | undefined) {
  return eventId === undefined ? sql`true` : sql`first_event_id > ${eventId}`
}

async function removeOperations(
  tx: Tx,
  from: string | undefined,
  until: string | undefined,
  cutoffMs: number,
): Promise<number> {
  const { rows } = await sql<Removed>`
    delete from syncproof.operations
    where ${isAfter(from)} and first_event_id < ${firstIdAt(cutoffMs + AHEAD_MS)}
      and ${until === undefined ? sql`true` : sql`first_event_id <= ${until}`}
      and active_at < to_timestamp(${cutoffMs / 1000}::double precision)
    returning project_id, process_id, operation_id, last_seq`.execute(tx)
  if (rows.length === 0) return 0
  await sql`
    with gone as (
      select * from jsonb_to_recordset(${jsonb(rows)})
        as gone(project_id text, process_id uuid, operation_id uuid, last_seq bigint)),
    waiting as (
      delete from syncproof.waiting_operations as waiting using gone
      where waiting.project_id = gone.project_id and waiting.process_id = gone.process_id
        and waiting.operation_id = gone.operation_id)
    update syncproof.processes as process
    set closed_below = greatest(process.closed_below, last.seq + 1)
    from (
      -- which were the last ones is not known of what was stored before they were noted
      select project_id, process_id, max(coalesce(gone.last_seq, upper(seen) - 1, 0)) as seq
      from gone join syncproof.processes using (project_id, process_id)
      group by project_id, process_id) as last
    where process.project_id = last.project_id and process.process_id = last.process_id`.execute(tx)
  return rows.length
}

interface Removed {
  readonly project_id: string
  readonly process_id: string
  readonly operation_id: string
  readonly last_seq: string | null
}

/** Removes processes that have been silent for long enough and have no operations any more. */
export async function expireProcesses(pass: Pass): Promise<void> {
  const { processesMs } = pass.policy
  const operationsGoneMs = await goneBefore(pass.db, 'operations')
  if (processesMs === null || operationsGoneMs === undefined) return
  const cutoffMs = Math.min(pass.nowMs - processesMs, operationsGoneMs)
  // each may have a day of minutes
  for (let removed = ROWS_AT_ONCE; removed > 0; ) {
    if (pass.signal.aborted) return
    removed = await removeMinutes(pass, cutoffMs)
  }
  await sweepTable<{ readonly process_id: string }>(
    pass,
    {
      subject: 'processes',
      table: 'syncproof.processes',
      order: ['first_seen_at', 'process_id'],
      keyType: 'uuid',
      returning: ['process_id'],
      isDue: sql<SqlBool>`last_seen_at < to_timestamp(${cutoffMs / 1000}::double precision)`,
      async more(tx, projectId, removed) {
        await sql`
          delete from syncproof.waiting_operations
          where project_id = ${projectId}
            and process_id = any(${removed.map(({ process_id }) => process_id)}::uuid[])`.execute(tx)
      },
    },
    cutoffMs,
  )
}

function removeMinutes(pass: Pass, cutoffMs: number): Promise<number> {
  return pass.remove(undefined, async (tx) => {
    const result = await sql`
      delete from syncproof.process_minutes where (project_id, process_id, minute) in (
        select project_id, process_id, minute
        from syncproof.processes join syncproof.process_minutes using (project_id, process_id)
        where last_seen_at < to_timestamp(${cutoffMs / 1000}::double precision)
        limit ${ROWS_AT_ONCE})`.execute(tx)
    return Number(result.numAffectedRows ?? 0)
  })
}
