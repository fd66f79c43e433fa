import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { detectionRules } from '@syncproof/core/detection'
import { afterEach, expect, it, vi } from 'vitest'
import type { RetentionSubject } from '../src/index.ts'
import { lives } from '../src/retention-lives.ts'
import { newProcess, operation } from './make-events.ts'
import { type RawStore, rawEngines } from './raw-store.ts'

const PROJECT = 'default'
const DAY_MS = 24 * 60 * 60 * 1000
const EXPIRY = fileURLToPath(new URL('./killed-expiry.ts', import.meta.url))

let raw: RawStore
afterEach(() => raw.close())

async function rows(query: string) {
  return (await raw.pool.query(query)).rows
}

async function expiredOf(subject: RetentionSubject): Promise<number> {
  const figures = await raw.store.retention.figures()
  return figures.find((figure) => figure.subject === subject)?.expired ?? 0
}

it('every table of the schema has a decided life', async () => {
  raw = await rawEngines.PostgreSQL()
  const tables = await rows(`
    select relname as name from pg_class
    where relnamespace = 'syncproof'::regnamespace and relkind in ('r', 'p') and not relispartition`)
  expect(tables.map(({ name }) => name).sort()).toEqual(Object.keys(lives).sort())
  const subjects = (await raw.store.retention.figures()).map(({ subject }) => subject)
  const decided = Object.values(lives).flatMap(({ subject }) => subject ?? [])
  expect(decided.filter((subject) => !subjects.includes(subject))).toEqual([])
})

it('ingest never waits for a partition to go, however long somebody reads', async () => {
  raw = await rawEngines.PostgreSQL()
  const { store, pool } = raw
  await store.events.append(PROJECT, newProcess(), operation({ timeMs: Date.now() - 40 * DAY_MS }))
  for (let lane = 0; lane < 4; lane += 1)
    while (
      (await store.detection.step(lane, 500, async () => ({ findings: [], resolved: [] }), detectionRules))
        .events > 0
    );
  const reader = await pool.connect()
  await reader.query('begin')
  await reader.query('select count(*) from syncproof.events')
  const expiring = store.retention.expire({ signal: new AbortController().signal })
  // it has been turned away at least twice
  const waits = `select from pg_stat_activity where query like '%detach_event_partition%' and wait_event_type = 'Lock'`
  const seen = async () => expect((await pool.query(waits)).rowCount).toBe(1)
  await vi.waitFor(seen, { timeout: 20_000, interval: 5 })
  await vi.waitFor(async () => expect((await pool.query(waits)).rowCount).toBe(0), {
    timeout: 20_000,
    interval: 5,
  })
  await vi.waitFor(seen, { timeout: 20_000, interval: 5 })
  const process = newProcess(1)
  for (let n = 0; n < 20; n += 1)
    expect(await store.events.append(PROJECT, process, operation({ firstSeq: n * 4 }))).toMatchObject({
      accepted: 4,
    })
  await reader.query('commit')
  reader.release()
  expect(await expiring).toMatchObject({ done: true, kept: [], expired: { events: 4 } })
  expect(await expiredOf('events')).toBe(4)
  expect(await rows('select from syncproof.events')).toHaveLength(80)
})

it('a partition that was detached by somebody who was killed then is dropped by the next', async () => {
  raw = await rawEngines.PostgreSQL()
  const { store, pool } = raw
  const day = new Date(Date.now() - 40 * DAY_MS).toISOString().slice(0, 10)
  await pool.query('select syncproof.ensure_event_partitions($1)', [[day]])
  await expect(pool.query(`select syncproof.detach_event_partition('events', $1)`, [day])).rejects.toThrow(
    'still kept',
  )
  await pool.query(`update syncproof.retention set gone_before = $1 where subject = 'events'`, [
    new Date(Date.now() - 35 * DAY_MS),
  ])
  await pool.query(`select syncproof.detach_event_partition('events', $1)`, [day])
  await store.retention.expire({ signal: new AbortController().signal })
  const left = `select from pg_class where relname ~ '^event.*_${day.replaceAll('-', '')}'`
  expect(await rows(left)).toEqual([])
  await expect(pool.query('select syncproof.ensure_event_partitions($1)', [[day]])).rejects.toThrow(
    'have expired',
  )
})

it('who is killed in the middle leaves it to the next, and what has gone is counted once', async () => {
  raw = await rawEngines.PostgreSQL()
  const { pool, url = '' } = raw
  const total = 60_000
  await pool.query(`
    insert into syncproof.sections
    select 'default', n::text, 'n', 's', null, '{}', 0, 0, 0, 0, 0, 0, 0, now() - interval '500 days' - n * interval '1 s',
      now() - interval '500 days'
    from generate_series(1, ${total}) as n`)
  const run = () => spawn(process.execPath, [EXPIRY, url], { stdio: 'inherit' })
  for (const share of [0.1, 0.4, 0.7]) {
    const child = run()
    const exited = once(child, 'exit')
    await vi.waitFor(async () => expect(await expiredOf('sections')).toBeGreaterThan(total * share), {
      timeout: 60_000,
      interval: 2,
    })
    child.kill('SIGKILL')
    expect(await exited).toEqual([null, 'SIGKILL'])
    const [{ count }] = await rows('select count(*)::int from syncproof.sections')
    expect(count + (await expiredOf('sections'))).toBe(total)
  }
  expect(await once(run(), 'exit')).toEqual([0, null])
  expect(await rows('select from syncproof.sections')).toEqual([])
  expect(await expiredOf('sections')).toBe(total)
})
