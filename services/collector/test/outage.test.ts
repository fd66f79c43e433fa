import { randomUUID } from 'node:crypto'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import pg from 'pg'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freshDatabase } from '../../../tools/testing/servers.ts'
import { startPostgres, type ThrowawayPostgres } from '../../../tools/testing/throwaway-servers.ts'
import { type RunningCollector, startCollector } from '../src/index.ts'
import { type Json, makeBatch, makeEvent } from './make-batch.ts'

const waiting = { timeout: 20_000, interval: 50 }

let database: ThrowawayPostgres
let store: Store
let metrics: Registry
let collector: RunningCollector
let key: string
/** Filled as things start: a server that outlived its test would outlive the run. */
const cleanups: (() => Promise<void>)[] = []

beforeAll(async () => {
  database = await startPostgres()
  cleanups.unshift(() => database.stop())
  await migrateStore({ url: database.url })
  store = openStore({ url: database.url })
  cleanups.unshift(() => store.close())
  key = (await store.keys.create('default', 'test', ['ingest', 'read'])).key
  metrics = new Registry()
  collector = await startCollector({ store, port: 0, metrics })
  cleanups.unshift(() => collector.close())
})
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup()
})

const headers = () => ({ authorization: `Bearer ${key}`, 'content-type': 'application/json' })
const post = (batch: Json) =>
  fetch(`${collector.url}/v1/events`, { method: 'POST', headers: headers(), body: JSON.stringify(batch) })

test('202 is sent after the commit and not before it', async () => {
  const event = makeEvent({ entity: { type: 'candidate', id: randomUUID() } })
  const other = new pg.Client({ connectionString: database.url })
  await other.connect()
  await other.query('begin')
  await other.query('lock table syncproof.events in exclusive mode')
  let answered = false
  const response = post(makeBatch([event])).finally(() => {
    answered = true
  })
  await vi.waitFor(async () => {
    const { rows } = await other.query('select 1 from pg_locks where not granted')
    expect(rows.length).toBeGreaterThan(0)
  }, waiting)
  expect(answered).toBe(false)
  await other.query('rollback')
  expect((await response).status).toBe(202)
  // by a connection that is not the collector's: what it sees is committed
  const { rows } = await other.query('select id from syncproof.events where id = $1', [event.id])
  expect(rows).toEqual([{ id: event.id }])
  await other.end()
})

test('a database that keeps a batch waiting too long: 503, and what was begun is stored once', async () => {
  const impatient = await startCollector({ store, port: 0, metrics: new Registry(), handlerTimeoutMs: 500 })
  const send = (body: string) =>
    fetch(`${impatient.url}/v1/events`, { method: 'POST', headers: headers(), body })
  const other = new pg.Client({ connectionString: database.url })
  await other.connect()
  try {
    await other.query('begin')
    await other.query('lock table syncproof.events in exclusive mode')
    const batch = JSON.stringify(makeBatch([makeEvent()]))
    const response = await send(batch)
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ code: 'store_unavailable' })
    await other.query('rollback')
    // behind the first one in their lane
    expect(await (await send(batch)).json()).toMatchObject({ accepted: 0, duplicates: 1 })
  } finally {
    await other.end()
    await impatient.close()
  }
})

test('while the database is away: 503 with Retry-After, alive but not ready; then it recovers by itself', async () => {
  await vi.waitFor(async () => expect((await fetch(`${collector.url}/readyz`)).status).toBe(200), waiting)
  const batch = makeBatch([makeEvent()])
  expect((await post(makeBatch([makeEvent()]))).status).toBe(202)
  const known = 'syncproof_findings_open{kind="lost-update",verdict="proven"} 0'
  await vi.waitFor(async () => expect(await metrics.metrics()).toContain(known), waiting)
  await database.shutDown()

  const refused = [
    await post(batch),
    await fetch(`${collector.url}/v1/findings`, { headers: headers() }),
    // a key that is not remembered has to be looked up
    await fetch(`${collector.url}/v1/findings`, { headers: { authorization: 'Bearer never-seen' } }),
    await fetch(`${collector.url}/readyz`),
  ]
  for (const response of refused) {
    expect(response.status, response.url).toBe(503)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    const body = await response.text()
    expect(JSON.parse(body)).toMatchObject({ code: 'store_unavailable' })
    // an answer to a read too
    expect(body).not.toMatch(/acknowledged|stored|twice/)
    // what the driver says of hosts, users and databases is for the log
    expect(body).not.toMatch(/postgres|127\.0\.0\.1|ECONN|administrator/i)
  }
  expect((await fetch(`${collector.url}/livez`)).status).toBe(200)
  // what was last known, marked as such; what the process counts itself goes on; and no scrape hangs
  await vi.waitFor(async () => {
    const startMs = performance.now()
    const scrape = await metrics.metrics()
    expect(performance.now() - startMs).toBeLessThan(5_000)
    expect(scrape).toContain(known)
    expect(scrape).toContain('syncproof_store_figures_stale 1')
    expect(scrape).toMatch(/syncproof_http_problems_total\{code="store_unavailable"\} [1-9]/)
  }, waiting)

  await database.startAgain()
  await vi.waitFor(async () => expect((await fetch(`${collector.url}/readyz`)).status).toBe(200), waiting)
  const response = await post(batch)
  expect(response.status).toBe(202)
  expect(await response.json()).toMatchObject({ accepted: 1, duplicates: 0 })
})

test('a database that is not migrated is not ready, and says what to do', async () => {
  const empty = await freshDatabase()
  const emptyStore = openStore({ url: empty.url })
  const unready = await startCollector({ store: emptyStore, port: 0, metrics: new Registry() })
  const response = await fetch(`${unready.url}/readyz`)
  expect(response.status).toBe(503)
  expect(await response.json()).toMatchObject({ detail: expect.stringContaining('syncproof migrate') })
  await unready.close()
  await emptyStore.close()
  await empty.drop()
})
