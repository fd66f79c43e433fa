import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { countExpired, MARGIN_MS, type Pass, promiseGone, ROWS_AT_ONCE } from './expire-pass.ts'
import {
  DAY_MS,
  type Day,
  detachDay,
  dropDetached,
  eventPartitions,
  isDayJudged,
  type Partition,
  sizeOf,
  startOf,
} from './partitions.ts'
import { firstIdAt } from './sql-text.ts'

/** How often a partition that somebody reads is tried for, and how long the others have the table in between. */
const DETACH_TRIES = 20
const DETACH_PAUSE_MS = 500

/** 8 kB each: some thousand events in one transaction. */
const BLOCKS_AT_ONCE = 256

/** Drops the partitions that are past their time, with the links of their events and the marks on them. */
export async function expireEvents(pass: Pass): Promise<void> {
  const { db, signal, nowMs, policy } = pass
  const cutoffMs = nowMs - policy.events.keepMs - MARGIN_MS
  for (const partition of await eventPartitions(db)) {
    const endMs = startOf(partition.day) + DAY_MS
    if (endMs > cutoffMs || signal.aborted) break
    if (!(await isDayJudged(db, partition.day))) {
      pass.keep(`Events of ${partition.day} have not been judged yet.`)
      break
    }
    await promiseGone(db, 'events', endMs)
    if (!(await dropDay(pass, partition))) {
      pass.keep(`Events of ${partition.day}: somebody had the table open all the time.`)
      break
    }
  }
  await dropDetached(db)
  await expireMarks(pass)
}

async function dropDay(pass: Pass, partition: Partition): Promise<boolean> {
  const rows = await sizeOf(pass.db, partition)
  for (let tries = 1; !pass.signal.aborted; tries += 1) {
    const count = async (tx: Tx) => {
      await countExpired(tx, 'events', rows)
      pass.tell('events', rows)
    }
    if (await detachDay(pass.db, partition.day, count)) return true
    if (tries >= DETACH_TRIES) return false
    await delay(DETACH_PAUSE_MS, undefined, { ref: false })
  }
  return false
}

/** What is noted of events that have expired. */
async function expireMarks(pass: Pass): Promise<void> {
  const horizon = sql`(select syncproof.first_id_at(gone_before) from syncproof.retention where subject = 'events')`
  for (const name of ['syncproof.inconsistent_events', 'syncproof.inconsistent_copies']) {
    const table = sql.table(name)
    for (let removed = ROWS_AT_ONCE; removed >= ROWS_AT_ONCE && !pass.signal.aborted; ) {
      removed = await pass.remove(undefined, async (tx) => {
        const result = await sql`
          delete from ${table} where event_id in (
            select event_id from ${table} where event_id < ${horizon} order by event_id limit ${ROWS_AT_ONCE})`.execute(
          tx,
        )
        return Number(result.numAffectedRows ?? 0)
      })
    }
  }
}

/** Deletes events of kinds that are kept for a shorter time than their partitions, a day at a time. */
export async function expireKinds(pass: Pass): Promise<void> {
  const { policy, nowMs, db, signal } = pass
  for (const [kind, keepMs] of Object.entries(policy.events.byKind)) {
    const cutoffMs = Math.floor((nowMs - keepMs - MARGIN_MS) / DAY_MS) * DAY_MS
    const goneMs = await promiseGone(db, `events.${kind}`, cutoffMs)
    const doneMs = await doneBefore(db, kind)
    for (const { day } of await eventPartitions(db)) {
      if (signal.aborted || startOf(day) + DAY_MS > goneMs) break
      if (startOf(day) < doneMs) continue
      await expireKindOf(pass, kind, day)
      if (signal.aborted) return
      if (await isLeft(db, kind, day)) {
        pass.keep(`Events of ${day} have not been judged yet.`)
        break
      }
      await rememberDone(db, kind, startOf(day) + DAY_MS)
    }
  }
}

/** Goes through the table block by block: each is read once, however few of its events go. */
async function expireKindOf(pass: Pass, kind: string, day: Day): Promise<void> {
  const blocks = await blocksOf(pass.db, day)
  for (let block = 0; block < blocks && !pass.signal.aborted; block += BLOCKS_AT_ONCE) {
    await pass.remove(`events.${kind}`, async (tx) => {
      const result = await sql`
        delete from syncproof.events as event
        using syncproof.detection_cursors as cursor
        where ${isOfDay(day)} and event.kind = ${kind}
          and event.ctid >= ${`(${block},0)`}::tid and event.ctid < ${`(${block + BLOCKS_AT_ONCE},0)`}::tid
          and cursor.lane = event.lane and event.position <= cursor.position`.execute(tx)
      return Number(result.numAffectedRows ?? 0)
    })
  }
}

function isOfDay(day: Day) {
  const [first, next] = [firstIdAt(startOf(day)), firstIdAt(startOf(day) + DAY_MS)]
  return sql`event.id >= ${first} and event.id < ${next}`
}

async function blocksOf(db: Database, day: Day): Promise<number> {
  const table = `syncproof.events_${day.replaceAll('-', '')}`
  const { rows } = await sql<{ blocks: string }>`
    select pg_relation_size(${table}::regclass) / current_setting('block_size')::bigint as blocks`.execute(db)
  return Number(rows[0]?.blocks ?? 0)
}

async function isLeft(db: Database, kind: string, day: Day): Promise<boolean> {
  const { rows } = await sql<{ left: boolean }>`
    select exists (select from syncproof.events as event where ${isOfDay(day)} and kind = ${kind}) as left`.execute(
    db,
  )
  return rows[0]?.left === true
}

async function doneBefore(db: Database, kind: string): Promise<number> {
  const { rows } = await sql<{ ms: number | null }>`
    select extract(epoch from done_before)::double precision * 1000 as ms
    from syncproof.retention where subject = ${`events.${kind}`}`.execute(db)
  return rows[0]?.ms ?? Number.NEGATIVE_INFINITY
}

async function rememberDone(db: Database, kind: string, beforeMs: number): Promise<void> {
  await sql`
    update syncproof.retention set done_before = to_timestamp(${beforeMs / 1000}::double precision)
    where subject = ${`events.${kind}`}`.execute(db)
}
