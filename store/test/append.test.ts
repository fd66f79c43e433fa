import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { migrateStore, openStore, type Store } from '../src/index.ts'
import { newProcess, operation } from './make-events.ts'

/** Batches that wait for one lane are stored together: by COPY, in one transaction. */
let database: FreshDatabase
let store: Store
let client: pg.Client

beforeAll(async () => {
  database = await freshDatabase()
  await migrateStore({ url: database.url })
  store = openStore({ url: database.url })
  client = new pg.Client(database.url)
  await client.connect()
})
afterAll(async () => {
  await client.end()
  await store.close()
  await database.drop()
})

/** Calls `run` while nobody can append, and lets them go once one waits: what comes after it goes together. */
async function together<T>(run: () => Promise<T>): Promise<T> {
  await client.query('select pg_advisory_lock(1398361680, 0)')
  const running = run()
  await vi.waitFor(async () => {
    const { rows } = await client.query(`select from pg_locks where locktype = 'advisory' and not granted`)
    expect(rows).toHaveLength(1)
  })
  await client.query('select pg_advisory_unlock(1398361680, 0)')
  return running
}

async function stored(project: string): Promise<{ id: string; group: string }[]> {
  const { rows } = await client.query(
    `select id, xmin::text as "group" from syncproof.events where project_id = $1 order by position`,
    [project],
  )
  return rows
}

it('stores what waits in one transaction, and keeps all that was sent', async () => {
  const project = randomUUID()
  const entity = { type: 'a\tb\\n', id: 'line\nline\r"\\\u{1f600}' }
  const batches = Array.from({ length: 20 }, () => ({ process: newProcess(), events: operation({ entity }) }))
  await together(() =>
    Promise.all(batches.map(({ process, events }) => store.events.append(project, process, events))),
  )
  const rows = await stored(project)
  expect(rows).toHaveLength(80)
  // the first one went alone
  expect(new Set(rows.map(({ group }) => group)).size).toBe(2)
  const { items } = await store.events.timeline(project, entity, { limit: 500 })
  const kept = new Map(items.map(({ process_id, ...event }) => [event.id, event]))
  for (const { events } of batches)
    for (const event of events) if ('entity' in event) expect(kept.get(event.id)).toEqual(event)
})

it('stores a batch once, however often it is sent at the same moment, and tells who was late', async () => {
  const project = randomUUID()
  const process = newProcess()
  const events = operation()
  const answers = await together(() =>
    Promise.all(Array.from({ length: 5 }, () => store.events.append(project, process, events))),
  )
  expect(answers.filter(({ accepted }) => accepted === 4)).toHaveLength(1)
  expect(answers.filter(({ duplicates }) => duplicates === 4)).toHaveLength(4)
  expect(await stored(project)).toHaveLength(4)
  const { items } = await store.processes.list(project, { limit: 1 })
  expect(items).toMatchObject([{ id: process.id, stored: 4 }])
})

it('tells an id that another process has sent, and stores the others of the group', async () => {
  const project = randomUUID()
  const events = operation()
  await store.events.append(project, newProcess(), events)
  const [copied, honest] = await together(async () => {
    const first = store.events.append(project, newProcess(), operation())
    const rest = await Promise.all([
      store.events.append(project, newProcess(), events),
      store.events.append(project, newProcess(), operation()),
    ])
    await first
    return rest
  })
  expect(copied).toEqual({ accepted: 0, duplicates: 4 })
  expect(honest).toEqual({ accepted: 4, duplicates: 0 })
  expect(await stored(project)).toHaveLength(12)
})

it('what PostgreSQL refuses costs nobody else of the group', async () => {
  const project = randomUUID()
  const bad = operation().map((event) => ({ ...event, at: 'the day after tomorrow' }))
  const answers = await together(() =>
    Promise.allSettled([
      store.events.append(project, newProcess(), operation()),
      store.events.append(project, newProcess(), bad),
      store.events.append(project, newProcess(), operation()),
    ]),
  )
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  expect(await stored(project)).toHaveLength(12)
})

it('makes the partitions of days that nobody has prepared', async () => {
  const project = randomUUID()
  const dayMs = 24 * 60 * 60 * 1000
  const days = [3, 4, 5].map((days) => Date.now() - days * dayMs)
  await together(() =>
    Promise.all(days.map((timeMs) => store.events.append(project, newProcess(), operation({ timeMs })))),
  )
  expect(await stored(project)).toHaveLength(12)
})

it('knows of the numbers that it stored, so that a gap is still a gap', async () => {
  const project = randomUUID()
  const process = newProcess()
  const [started, write, , finished] = operation()
  await store.events.append(project, process, [started, write, finished])
  const { rows } = await client.query(
    'select seen::text, stored, produced from syncproof.processes where project_id = $1',
    [project],
  )
  expect(rows).toEqual([{ seen: '{[0,2),[3,4)}', stored: '3', produced: '0' }])
})

it('reports that take all their connections keep no event waiting, nor what is asked before it', async () => {
  const { key } = await store.keys.create('default', 'test', ['ingest'])
  const busy = openStore({ url: database.url, poolMax: 1 })
  await busy.events.append('default', newProcess(), operation())
  let appended: unknown
  try {
    await busy.detection.step(0, 1, async () => {
      // the one connection is in this transaction
      expect(await busy.keys.authenticate(key)).toMatchObject({ scopes: ['ingest'] })
      expect(await busy.retention.horizon(Date.now())).toHaveProperty('sinceMs')
      appended = await busy.events.append('default', newProcess(), operation())
      return { findings: [], resolved: [] }
    })
  } finally {
    await busy.close()
  }
  expect(appended).toMatchObject({ accepted: 4 })
})
