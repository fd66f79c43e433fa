import { type StoredEvent, uuidV7TimeMs } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { toStoredEvent } from './events.ts'
import { lockUntilCommit } from './locks.ts'
import { firstIdAt, jsonb } from './sql-text.ts'
import type { DetectionRules, OperationHistoryRow } from './store.ts'
import { nameUsedNumbers } from './used-numbers.ts'

/** Events of which one can be true. */
interface Group {
  readonly ids: readonly string[]
  readonly contradicts: 'operation' | 'version'
}

/** Marks as inconsistent what new events contradict, or what contradicts them: whichever was stored later. Links of the
 *  new events must be committed, so that of two events, judged at the same moment by two lanes, one is judged by who
 *  sees both.
 *  @param histories of the operations of the new events
 *  @returns whether anything was marked: the histories then hold what they no longer should */
export async function markContradictions(
  tx: Tx,
  projectId: string,
  newIds: ReadonlySet<string>,
  histories: readonly Pick<OperationHistoryRow, 'events'>[],
  rules: DetectionRules,
): Promise<boolean> {
  const within = histories.flatMap(({ events }) =>
    rules.contradictionsWithin(events).map((ids): Group => ({ ids, contradicts: 'operation' })),
  )
  const groups = [...within, ...(await madeTwice(tx, projectId, newIds, histories, rules))]
  await nameUsedNumbers(tx, projectId, newIds)
  if (groups.length === 0) return false
  // two lanes may mark the same events, and count them for the same processes
  await lockUntilCommit(tx, `inconsistent/${projectId}`)
  const { rows } = await sql<{ process_id: string }>`
    with claims as (
      select contradicts, event.id, event.process_id,
        row_number() over earlier as place, first_value(event.id) over earlier as stands
      from jsonb_to_recordset(${jsonb(groups.map((group, number) => ({ ...group, number })))})
        as claim(number integer, ids jsonb, contradicts text)
      cross join lateral jsonb_array_elements_text(ids) as listed(id)
      cross join lateral (
        select id, process_id, position from syncproof.events
        where project_id = ${projectId} and id = listed.id::uuid
        order by id limit 1) as event
      where not exists (
        select from syncproof.inconsistent_events as known
        where known.project_id = ${projectId} and known.event_id = event.id)
      window earlier as (partition by number order by event.position)),
    marked as (
      insert into syncproof.inconsistent_events
        (project_id, event_id, process_id, contradicts, noticed_at, contradicted_id)
      select distinct on (id) ${projectId}, id, process_id, contradicts, now(), stands
      from claims where place > 1 order by id, place
      on conflict do nothing
      returning process_id),
    counted as (
      update syncproof.processes as process
      set inconsistent = process.inconsistent + more.events
      from (select process_id, count(*) as events from marked group by process_id) as more
      where process.project_id = ${projectId} and process.process_id = more.process_id)
    select process_id from marked`.execute(tx)
  return rows.length > 0
}

/** New writes of a version that another write made, too. The links alone are looked up: who replaced a version is found
 *  under it as well, and is mostly at hand. */
async function madeTwice(
  tx: Tx,
  projectId: string,
  newIds: ReadonlySet<string>,
  histories: readonly Pick<OperationHistoryRow, 'events'>[],
  rules: DetectionRules,
): Promise<readonly Group[]> {
  const atHand = new Map(histories.flatMap(({ events }) => events.map((event) => [event.id, event])))
  const made = [...atHand.values()].flatMap((event) => {
    const claim = newIds.has(event.id) ? rules.madeVersion(event) : undefined
    const timeMs = uuidV7TimeMs(event.id)
    return claim && timeMs !== undefined ? [{ event, link: claim, timeMs }] : []
  })
  if (made.length === 0) return []
  const { linkWindowMs, eventsPerLinkMax } = rules.limits
  // of all, as two constants: else the plan is made over every partition
  const times = made.map(({ timeMs }) => timeMs)
  const low = firstIdAt(Math.min(...times) - linkWindowMs)
  const high = firstIdAt(Math.max(...times) + linkWindowMs)
  const { rows } = await sql<{ id: string; other_id: string }>`
    select made.id, linked.event_id as other_id
    from unnest(${made.map(({ event }) => event.id)}::uuid[], ${made.map(({ link }) => link)}::text[],
      ${made.map(({ timeMs }) => firstIdAt(timeMs - linkWindowMs))}::uuid[],
      ${made.map(({ timeMs }) => firstIdAt(timeMs + linkWindowMs))}::uuid[]) as made(id, link, low, high)
    cross join lateral (
      select event_id from syncproof.event_links
      where project_id = ${projectId} and link_hash = syncproof.link_hash(made.link)
        and event_id >= made.low and event_id < made.high and event_id >= ${low} and event_id < ${high}
      order by event_id limit ${eventsPerLinkMax}) as linked
    where linked.event_id <> made.id`.execute(tx)
  const elsewhere = rows.map((row) => row.other_id).filter((id) => !atHand.has(id))
  const others = new Map([...atHand, ...(await eventsById(tx, projectId, elsewhere))])
  return rows.flatMap((row): readonly Group[] => {
    const [event, other] = [others.get(row.id), others.get(row.other_id)]
    return event && other && rules.madeTwice(event, other)
      ? [{ ids: [event.id, other.id], contradicts: 'version' }]
      : []
  })
}

/** Each is a limited look-up of its own: joined, partitions that were never analyzed look as if reading all of them were
 *  cheap. */
async function eventsById(
  tx: Tx,
  projectId: string,
  ids: readonly string[],
): Promise<readonly (readonly [string, StoredEvent])[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<{ process_id: string; payload: Omit<StoredEvent, 'process_id'> }>`
    select event.process_id, event.payload
    from unnest(${ids}::uuid[]) as wanted(id)
    cross join lateral (
      select process_id, payload from syncproof.events
      where project_id = ${projectId} and id = wanted.id
      order by id limit 1) as event`.execute(tx)
  return rows.map((row) => [row.payload.id, toStoredEvent(row)] as const)
}

/** Which of these events are inconsistent. */
export async function inconsistentAmong(
  tx: Tx,
  projectId: string,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set()
  const { rows } = await sql<{ event_id: string }>`
    select event_id from syncproof.inconsistent_events
    where project_id = ${projectId} and event_id = any(${ids}::uuid[])`.execute(tx)
  return new Set(rows.map((row) => row.event_id))
}
