import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { StoreUnavailableError, sqlState } from './errors.ts'
import { firstIdAt } from './sql-text.ts'

/** A day in UTC, such as `2026-11-26`. */
export type Day = string

export const DAY_MS = 24 * 60 * 60 * 1000

/** A week in which nobody may look after the partitions before who appends has to make one. */
export const DAYS_AHEAD = 7

export function startOf(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`)
}

/** See `RetentionStore.prepare`. Yesterday: an event is named by the clock of its process. */
export async function preparePartitions(db: Database, daysAhead: number): Promise<number> {
  const { rows } = await sql<{ day: Day }>`
    select to_char(day, 'YYYY-MM-DD') as day
    from (select (clock_timestamp() at time zone 'UTC')::date + n as day from generate_series(-1, ${daysAhead}::integer) as n) as wanted
    where to_regclass('syncproof.events_' || to_char(day, 'YYYYMMDD')) is null
      or to_regclass('syncproof.event_links_' || to_char(day, 'YYYYMMDD')) is null`.execute(db)
  const days = rows.map((row) => row.day)
  // nothing to do is the rule, and takes no lock
  if (days.length > 0) await sql`select syncproof.ensure_event_partitions(${days}::date[])`.execute(db)
  return days.length
}

export interface Partition {
  readonly day: Day
  /** Rows as the server estimates them; -1 where it has never looked. */
  readonly rows: number
}

/** The days of which events, or links of events, are kept, the oldest first. */
export async function eventPartitions(db: Database): Promise<readonly Partition[]> {
  const { rows } = await sql<Partition>`
    select to_char(to_date(right(relname, 8), 'YYYYMMDD'), 'YYYY-MM-DD') as day,
      coalesce(max(reltuples) filter (where inhparent = 'syncproof.events'::regclass), 0)::double precision as rows
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent in ('syncproof.events'::regclass, 'syncproof.event_links'::regclass)
      and relname ~ '_[0-9]{8}$'
    group by 1
    order by 1`.execute(db)
  return rows
}

/** Whether every event of the day has been judged. */
export async function isDayJudged(db: Database, day: Day): Promise<boolean> {
  const [first, next] = [firstIdAt(startOf(day)), firstIdAt(startOf(day) + DAY_MS)]
  const { rows } = await sql<{ judged: boolean }>`
    select not exists (
      select from syncproof.detection_cursors as cursor
      cross join lateral (
        select position from syncproof.events as event
        where event.lane = cursor.lane and event.id >= ${first} and event.id < ${next}
        order by position desc limit 1) as last
      where last.position > cursor.position) as judged`.execute(db)
  return rows[0]?.judged === true
}

/** How many events the day has: as estimated, or counted where nobody has estimated. */
export async function sizeOf(db: Database, { day, rows: estimate }: Partition): Promise<number> {
  if (estimate >= 0) return Math.round(estimate)
  const [first, next] = [firstIdAt(startOf(day)), firstIdAt(startOf(day) + DAY_MS)]
  const { rows } = await sql<{ count: string }>`
    select count(*) from syncproof.events where id >= ${first} and id < ${next}`.execute(db)
  return Number(rows[0]?.count ?? 0)
}

/** Takes the partitions of a day away from their tables. `retention.gone_before` must say that they may go.
 *  @param more committed with the events, and only then
 *  @returns false where somebody had a table for too long; nobody waited for longer than a tenth of a second */
export async function detachDay(db: Database, day: Day, more: (tx: Tx) => Promise<void>): Promise<boolean> {
  try {
    await db.transaction().execute(async (tx) => {
      if (await detach(tx, 'events', day)) await more(tx)
    })
    // last: an event that is judged must find a place for its links
    await detach(db, 'event_links', day)
    return true
  } catch (error) {
    if (isTurnedAway(error)) return false
    throw error
  }
}

/** 55P03: lock_not_available, which to others means that the database is; 40P01: a deadlock was cut. */
function isTurnedAway(error: unknown): boolean {
  const { cause } = error instanceof StoreUnavailableError ? error : { cause: error }
  return ['55P03', '40P01'].includes(sqlState(cause) ?? '')
}

/** @returns whether it was there */
async function detach(db: Database, parent: 'events' | 'event_links', day: Day): Promise<boolean> {
  const { rows } = await sql<{ detached: boolean }>`
    select syncproof.detach_event_partition(${parent}, ${day}::date) as detached`.execute(db)
  return rows[0]?.detached === true
}

/** Drops what has been detached, now or before somebody was killed. */
export async function dropDetached(db: Database): Promise<void> {
  await sql`select syncproof.drop_detached_partitions()`.execute(db)
}
