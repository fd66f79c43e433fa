import { isMadeOfSpans } from '@syncproof/core/contract'
import { type RawBuilder, sql } from 'kysely'
import { closeBooks, type MinuteTotals, missingIn } from './close-books.ts'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { SHADOW_PROJECT } from './shadow-project.ts'
import type { EventBooks, MinuteBooks, Page, PageRequest, ProcessRow } from './store.ts'

/** What was produced before the last report of so long ago and is not here is lost, as far as anybody can tell: an SDK sends every second,
 *  and tries again for a few. What comes later all the same is no longer unaccounted. */
const SETTLED_S = 60

/** `syncproof.newest_ranges` keeps no fewer when it forgets the oldest. */
const RANGES_KEPT = 1_000

/** A process that has not been heard of for longer is left out of the figures of metrics. */
const HEARD_OF_S = 86_400

/** Numbers of one process up to its last settled report that are neither stored nor dropped, as a column of a lateral join.
 *  @param process the alias of a row of `syncproof.processes` */
export function unaccountedOf(process: string): RawBuilder<unknown> {
  const of = (column: string) => sql.ref(`${process}.${column}`)
  const settledBefore = sql`clock_timestamp() - make_interval(secs => ${SETTLED_S})`
  return sql`
    left join lateral (
      select produced, dropped
      from (
        select greatest(${of('produced')}, coalesce(upper(${of('seen')}), 0)) as produced, ${of('dropped')} as dropped,
          ${of('last_seen_at')} as reported_at
        union all
        (select produced, dropped, reported_at from syncproof.process_minutes as minute
        where minute.project_id = ${of('project_id')} and minute.process_id = ${of('process_id')}
          and reported_at <= ${settledBefore}
        order by minute.minute desc limit 1)) as report
      where reported_at <= ${settledBefore}
      order by reported_at desc limit 1) as settled on true
    left join lateral (
      select coalesce(sum(upper(part) - lower(part)), 0) as numbers, count(*) as ranges
      from unnest(${of('seen')}) as part) as known on true
    left join lateral (
      select coalesce(sum(upper(part) - lower(part)), 0) as numbers
      from unnest(${of('seen')} * int8multirange(int8range(0, settled.produced))) as part) as below on true
    left join lateral (
      select coalesce(sum(value::numeric), 0) as events from jsonb_each_text(settled.dropped)) as gone on true
    left join lateral (
      select greatest(0, settled.produced - gone.events - below.numbers
        - case when known.ranges >= ${RANGES_KEPT} then greatest(0, ${of('stored')} - known.numbers) else 0 end)
        as unaccounted) as books on true`
}

/** Of a process: what it produced, and what became of it. */
export function booksOf(
  processId: string,
  totals: Omit<MinuteTotals, 'minute'>,
  unaccounted: number,
): Pick<ProcessRow, 'produced' | 'in_flight' | 'unaccounted'> {
  // spans count nothing: see docs/decisions/0020
  if (isMadeOfSpans(processId)) return { produced: null, in_flight: null, unaccounted: null }
  const missing = missingIn(totals)
  const lost = Math.min(unaccounted, missing)
  return { produced: totals.produced, in_flight: missing - lost, unaccounted: lost }
}

interface ProcessTotals {
  readonly first_minute: string
  readonly minute: string
  readonly produced: string
  readonly stored: string
  readonly dropped: Readonly<Record<string, number>>
  readonly unaccounted: string | null
}

/** The minutes of a process in which it was heard of, newest first; undefined for a process that is not known. */
export async function minutesOf(
  db: Database,
  projectId: string,
  processId: string,
  page: PageRequest,
): Promise<Page<MinuteBooks> | undefined> {
  const [before] = decodeCursor(page.cursor, [cursorParts.time]) ?? []
  if (!cursorParts.uuid.test(processId)) return undefined
  const { rows } = await sql<ProcessTotals>`
    select ${minuteText(sql`process.first_seen_at`)} as first_minute, ${minuteText(sql`process.last_seen_at`)} as minute,
      greatest(process.produced, coalesce(upper(process.seen), 0)) as produced, process.stored, process.dropped,
      books.unaccounted
    from syncproof.processes as process
    ${unaccountedOf('process')}
    where process.project_id = ${projectId} and process.process_id = ${processId}`.execute(db)
  const [now] = rows
  if (!now) return undefined
  const closed = isMadeOfSpans(processId) ? [] : await closedMinutes(db, projectId, processId, now)
  const newest = closed.toReversed().filter(({ minute }) => before === undefined || minute < before)
  return toPage(
    newest.slice(0, page.limit + 1),
    page.limit,
    (minute) => minute,
    ({ minute }) => [minute],
  )
}

async function closedMinutes(
  db: Database,
  projectId: string,
  processId: string,
  now: ProcessTotals,
): Promise<readonly MinuteBooks[]> {
  const { rows } = await sql<Omit<ProcessTotals, 'first_minute' | 'unaccounted'>>`
    select ${minuteText(sql`minute`)} as minute, produced, stored, dropped
    from syncproof.process_minutes
    where project_id = ${projectId} and process_id = ${processId}
    order by process_minutes.minute`.execute(db)
  const earlier = rows.map(toTotals)
  const current = toTotals(now)
  const unaccounted = Math.min(Number(now.unaccounted ?? 0), missingIn(current))
  const all = [...earlier.filter(({ minute }) => minute < current.minute), current]
  // what is not kept any more, or nobody kept before there were books by the minute, is in the oldest one that is
  const isWhole = all[0]?.minute === now.first_minute
  return isWhole || all.length === 1
    ? closeBooks(undefined, all, unaccounted)
    : closeBooks(all[0], all.slice(1), unaccounted)
}

function toTotals({
  minute,
  produced,
  stored,
  dropped,
}: Omit<ProcessTotals, 'first_minute' | 'unaccounted'>) {
  return { minute, produced: Number(produced), stored: Number(stored), dropped }
}

function minuteText(column: RawBuilder<unknown>): RawBuilder<string> {
  return sql`to_char(date_trunc('minute', ${column}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}

/** Over all projects but the doctor's, of processes that were heard of within a day. */
export async function eventBooks(db: Database): Promise<EventBooks> {
  const heardOf = sql`last_seen_at >= clock_timestamp() - make_interval(secs => ${HEARD_OF_S})
    and not syncproof.is_made_of_spans(process_id) and project_id <> ${SHADOW_PROJECT}`
  const { rows } = await sql<{ unaccounted: string; in_flight: string }>`
    select coalesce(sum(least(books.unaccounted, missing.events)), 0) as unaccounted,
      coalesce(sum(missing.events - least(coalesce(books.unaccounted, 0), missing.events)), 0) as in_flight
    from syncproof.processes as process
    ${unaccountedOf('process')}
    cross join lateral (
      select coalesce(sum(value::numeric), 0) as events from jsonb_each_text(process.dropped)) as dropped
    cross join lateral (
      select greatest(0, greatest(process.produced, coalesce(upper(process.seen), 0)) - process.stored - dropped.events)
        as events) as missing
    where ${heardOf}`.execute(db)
  const dropped = await sql<{ reason: string; count: string }>`
    select key as reason, sum(value::numeric) as count
    from syncproof.processes, jsonb_each_text(dropped)
    where ${heardOf}
    group by key order by key`.execute(db)
  return {
    unaccounted: Number(rows[0]?.unaccounted ?? 0),
    inFlight: Number(rows[0]?.in_flight ?? 0),
    dropped: dropped.rows.map(({ reason, count }) => ({ reason, count: Number(count) })),
  }
}
