import { isMadeOfSpans, type ProcessReport, type StoredEvent, uuidV7TimeMs } from '@syncproof/core/contract'
import { sql } from 'kysely'
import { inconsistentAmong } from './contradictions.ts'
import type { Tx } from './database.ts'
import { toStoredEvent } from './events.ts'
import { firstIdAt, jsonb } from './sql-text.ts'
import type { NeighbourRow, OperationHistoryRow, ProcessEndEvent } from './store.ts'

/** A process whose clock was set back in the middle of an operation made ids that are smaller than the
 *  operation's first one; by more than this, its history is not looked for. */
const CLOCK_STEP_MS_MAX = 24 * 60 * 60 * 1000

/** Of the operations that one operation called. A root that calls thousands, as an import does, would otherwise
 *  be held in memory whole for each step. */
const FAMILY_EVENTS_MAX = 5_000

interface HistoryRow {
  readonly operation_id: string
  readonly process: ProcessReport
  /** A JSON array. */
  readonly events: string
  readonly first_seq: string
  readonly last_seq: string
  readonly finished: boolean
  /** Its end is known to the `operations` projection; else a later step of detection brings the end. */
  readonly end_projected: boolean
  readonly complete: boolean
  /** An event of its process contradicts another one. */
  readonly doubtful: boolean
  readonly holed: boolean
  /** Of its process, without `process_id`. */
  readonly end_event: Omit<ProcessEndEvent, 'process_id'> | null
  /** Whether it is whole up to the end of its process. */
  readonly whole: boolean | null
}

/** What of an operation is found in its rows alone. */
type HistoryWithoutNeighbours = Omit<OperationHistoryRow, 'neighbours'>

/** The operations with all their stored events, but for an end that a later step brings: what an operation called is
 *  known to the projection only up to this step. Those that have finished but lack a sequence number of their
 *  process are remembered as waiting; those that are complete no longer wait. */
export async function loadHistories(
  tx: Tx,
  projectId: string,
  operationIds: readonly string[],
): Promise<readonly HistoryWithoutNeighbours[]> {
  if (operationIds.length === 0) return []
  const oldest = await oldestId(tx, projectId, operationIds)
  const rows = (await selectHistories(tx, projectId, operationIds, oldest)).map(asOfThisStep)
  await rememberWaiting(tx, projectId, rows)
  const histories = rows.map((row) => ({
    ...toNeighbour(row),
    processEnd: toProcessEnd(row),
    holed: row.holed,
  }))
  const families = await loadFamilies(tx, projectId, histories.filter(needsFamily), oldest)
  const whole = histories.map((history) => withFamily(history, families.get(history.operationId)))
  return withoutInconsistent(tx, projectId, rows, whole)
}

/** What the operations below one did. */
interface Family {
  readonly events: readonly StoredEvent[]
  /** Some of it was there, and is not any more. */
  readonly holed: boolean
}

function withFamily(
  history: Omit<HistoryWithoutNeighbours, 'family'>,
  { events, holed }: Family = { events: [], holed: false },
): HistoryWithoutNeighbours {
  return holed ? { ...history, family: events, complete: false, holed: true } : { ...history, family: events }
}

/** The operations with all their stored events, without those that they called. */
export async function loadEvents(
  tx: Tx,
  projectId: string,
  operationIds: readonly string[],
): Promise<readonly NeighbourRow[]> {
  if (operationIds.length === 0) return []
  const oldest = await oldestId(tx, projectId, operationIds)
  const rows = await selectHistories(tx, projectId, operationIds, oldest)
  return withoutInconsistent(tx, projectId, rows, rows.map(toNeighbour))
}

/** Of a process whose telemetry contradicts itself nothing is known to be whole: two programs may count as one. Nor of one
 *  that is made of spans: its numbers are times, and count nothing. */
function toNeighbour(row: HistoryRow): NeighbourRow {
  const { operation_id, process, finished, complete, doubtful } = row
  const stored = parseEvents(row.events, process.id)
  const events = finished ? stored : stored.filter(({ kind }) => kind !== 'operation_finished')
  const isCounted = !doubtful && !isMadeOfSpans(process.id)
  return { operationId: operation_id, process, events, complete: complete && isCounted }
}

/** With a later end the operation is still under way; the step that brings the end judges it again. */
function asOfThisStep(row: HistoryRow): HistoryRow {
  return !row.finished || row.end_projected
    ? row
    : { ...row, finished: false, complete: false, end_event: null, whole: null }
}

function toProcessEnd(row: HistoryRow): OperationHistoryRow['processEnd'] {
  const { process, end_event, whole, doubtful } = row
  const isCounted = !doubtful && !isMadeOfSpans(process.id)
  return end_event === null
    ? undefined
    : { event: { ...end_event, process_id: process.id }, whole: whole === true && isCounted }
}

/** Leaves out what contradicts an event that was stored before it. Nothing is asked where there is no such thing.
 *  @param rows of which the histories were made */
async function withoutInconsistent<
  T extends NeighbourRow & Partial<Pick<OperationHistoryRow, 'family' | 'processEnd'>>,
>(tx: Tx, projectId: string, rows: readonly HistoryRow[], histories: readonly T[]): Promise<readonly T[]> {
  const doubtful = new Set(rows.filter((row) => row.doubtful).map((row) => row.process.id))
  if (doubtful.size === 0) return histories
  const affected = histories.filter(({ process }) => doubtful.has(process.id))
  const ids = affected.flatMap(({ events, family = [], processEnd }) =>
    [...events, ...family, ...(processEnd ? [processEnd.event] : [])].map((event) => event.id),
  )
  const marked = await inconsistentAmong(tx, projectId, ids)
  if (marked.size === 0) return histories
  const stands = (event: { readonly id: string }) => !marked.has(event.id)
  return histories.map((history) => {
    const { events, family, processEnd } = history
    const end = processEnd && stands(processEnd.event) ? processEnd : undefined
    return {
      ...history,
      events: events.filter(stands),
      ...(family && { family: family.filter(stands) }),
      ...('processEnd' in history && { processEnd: end }),
    }
  })
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
    select history.operation_id, events, first_seq, history.last_seq, finished,
      known.finished_at is not null as end_projected, holed,
      finished and seen @> int8range(first_seq, history.last_seq + 1) and not holed as complete,
      inconsistent > 0 as doubtful, end_event,
      case when last.seq >= history.last_seq
        then seen @> int8range(first_seq, last.seq + 1) and not holed
          and not process.erased && int8range(first_seq, last.seq + 1) end as whole,
      jsonb_strip_nulls(jsonb_build_object('id', history.process_id, 'service', service, 'release', release,
        'host', host, 'clock', clock, 'books', jsonb_build_object('produced', produced, 'dropped', dropped)))
        as process
    from history
    join syncproof.processes as process
      on process.project_id = ${projectId} and process.process_id = history.process_id
    left join syncproof.operations as known
      on known.project_id = ${projectId} and known.operation_id = history.operation_id
    cross join lateral (select (end_event->>'last_seq')::bigint as seq) as last
    cross join lateral (select ${isHoled('known')} or first_seq < process.closed_below
      or process.erased && int8range(first_seq, history.last_seq + 1) as holed) as hole
    order by history.operation_id, history.process_id`.execute(tx)
  return rows
}

/** Whether events of an operation were there and are not any more, because they have expired or were erased. In the
 *  statement that reads the events: what is not there may go away at any moment.
 *  @param operation the alias of a row that may be missing: nobody has judged any of its events, so none has expired */
function isHoled(operation: string) {
  const [erased, first] = [sql.ref(`${operation}.erased`), sql.ref(`${operation}.first_event_id`)]
  return sql`coalesce(${erased} or ${first} < (select syncproof.event_horizon()), false)`
}

function needsFamily({ events }: Pick<OperationHistoryRow, 'events'>): boolean {
  const declares = events.some(
    (event) => event.kind === 'operation_started' && (event.syncs?.length ?? 0) > 0,
  )
  return declares && events.some((event) => event.kind === 'operation_finished' && (event.calls ?? 0) > 0)
}

/** What the operations below each of these did. One that called more than the limits gets nothing, and is then
 *  judged as one whose calls are not at hand. */
async function loadFamilies(
  tx: Tx,
  projectId: string,
  callers: readonly Pick<OperationHistoryRow, 'operationId' | 'process'>[],
  oldest: string,
): Promise<ReadonlyMap<string, Family>> {
  if (callers.length === 0) return new Map()
  const { rows } = await sql<{ caller: string; size: string; holed: boolean; events: string | null }>`
    select caller, size, holed, events
    from unnest(${callers.map((caller) => caller.operationId)}::uuid[]) as callers(caller)
    cross join lateral (
      with recursive below as (
        select operation_id, ${isHoled('called')} as holed from syncproof.operations as called
        where project_id = ${projectId} and parent_operation_id = callers.caller
        union
        select called.operation_id, ${isHoled('called')}
        from below join syncproof.operations called on called.parent_operation_id = below.operation_id
        where called.project_id = ${projectId}),
      found as (
        select event.payload
        from (select operation_id from below limit ${FAMILY_EVENTS_MAX}) as family
        join syncproof.events event using (operation_id)
        where event.project_id = ${projectId} and event.id >= ${oldest}
        limit ${FAMILY_EVENTS_MAX + 1})
      select count(*) as size, '[' || string_agg(payload::text, ',') || ']' as events,
        (select coalesce(bool_or(below.holed), false) from below) as holed
      from found
    ) as family`.execute(tx)
  const processes = new Map(callers.map((caller) => [caller.operationId, caller.process.id]))
  return new Map(
    rows.map(({ caller, size, events, holed }) => {
      const isTooMany = Number(size) > FAMILY_EVENTS_MAX
      const all = isTooMany ? [] : parseEvents(events ?? '[]', processes.get(caller) ?? '')
      return [caller, { events: all, holed }]
    }),
  )
}

function parseEvents(events: string, processId: string): readonly StoredEvent[] {
  return (JSON.parse(events) as Omit<StoredEvent, 'process_id'>[]).map((payload) =>
    toStoredEvent({ process_id: processId, payload }),
  )
}

async function rememberWaiting(tx: Tx, projectId: string, rows: readonly HistoryRow[]): Promise<void> {
  // what counts nothing would wait for ever
  const counted = rows.filter(({ process }) => !isMadeOfSpans(process.id))
  const ended = counted.filter((row) => row.finished || row.end_event !== null)
  const waiting = ended.filter((row) => !isWhole(row)).map(toWaiting)
  const complete = ended.filter(isWhole).map(toWaiting)
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

function isWhole(row: HistoryRow): boolean {
  return row.finished ? row.complete : row.whole === true
}

/** An operation that never ended waits for whatever its process sent up to its own end. */
function toWaiting({ process, operation_id, first_seq, last_seq, finished, end_event }: HistoryRow) {
  const until = finished ? last_seq : Math.max(Number(last_seq), end_event?.last_seq ?? 0)
  return { process_id: process.id, operation_id, first_seq, last_seq: until }
}
