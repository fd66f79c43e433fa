import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { migrateStore, openStore } from '@syncproof/store'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../../tools/testing/servers.ts'
import type { CollectorOptions } from '../src/index.ts'
import { makeBatch, makeEvent } from './make-batch.ts'
import { type OpenedCollector, openCollector, problemOf } from './open-collector.ts'
import { openRaw, requestHead } from './raw-http.ts'

let database: FreshDatabase
let collector: OpenedCollector

beforeAll(async () => {
  database = await freshDatabase()
  await migrateStore({ url: database.url })
})
afterEach(() => collector.close())
afterAll(() => database.drop())

async function open(options: Partial<CollectorOptions>): Promise<OpenedCollector> {
  const store = openStore({ url: database.url })
  collector = await openCollector(async () => ({ store, close: () => store.close() }), options)
  return collector
}

function send(key: string, events = [makeEvent()], lane = 0) {
  const process = { id: `${randomUUID().slice(0, -1)}${lane}`, service: 'candidate-api' }
  return collector.send(key, {
    method: 'POST',
    url: '/v1/events',
    headers: { 'content-type': 'application/json' },
    payload: JSON.stringify(makeBatch(events, { process })),
  })
}

test('a key that has used up its quota is told when to come again, and others are served', async () => {
  await open({ quota: { requestsPerSecond: 1, bytesPerSecond: 10_000_000 } })
  const [busy, quiet] = [await collector.key('default', 'ingest'), await collector.key('default', 'ingest')]
  const refused = await vi.waitFor(async () => {
    const response = await send(busy)
    expect(response.statusCode).toBe(429)
    return response
  }, 10_000)
  expect(problemOf(refused)).toMatchObject({ code: 'too_many_requests' })
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
  expect((await send(quiet)).statusCode).toBe(202)
  await vi.waitFor(async () => expect((await send(busy)).statusCode).toBe(202), 10_000)
})

test('bytes count as well as requests', async () => {
  await open({ quota: { requestsPerSecond: 1_000, bytesPerSecond: 1_000 } })
  const key = await collector.key('default', 'ingest')
  // more than is left may still come once
  const large = Array.from({ length: 200 }, () => makeEvent())
  expect((await send(key, large)).statusCode).toBe(202)
  expect(problemOf(await send(key))).toMatchObject({ code: 'too_many_requests' })
})

test('bytes count where no length was announced, too, and none that are announced but not taken', async () => {
  await open({ quota: { requestsPerSecond: 1_000, bytesPerSecond: 100_000 } })
  const url = await collector.app.listen({ port: 0 })
  const post = async (key: string, init: RequestInit) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    return (await fetch(`${url}/v1/events`, { method: 'POST', headers, ...init })).status
  }
  const [streaming, huge] = [
    await collector.key('default', 'ingest'),
    await collector.key('default', 'ingest'),
  ]
  // more than is left: 3.5 MB, and in pieces
  const pieces = Readable.from(Array.from({ length: 7 }, () => Buffer.alloc(500_000, ' ')))
  const body = Readable.toWeb(pieces) as ReadableStream
  expect(await post(streaming, { body, duplex: 'half' } as RequestInit)).toBe(400)
  const batch = JSON.stringify(makeBatch([makeEvent()]))
  expect(await post(streaming, { body: batch })).toBe(429)

  const raw = openRaw(url)
  const head = { authorization: `Bearer ${huge}`, 'content-type': 'application/json' }
  raw.socket.write(requestHead({ ...head, 'content-length': 10_000_000_000_000 }))
  await vi.waitFor(() => expect(raw.received()).toContain('"code":"body_too_large"'), 10_000)
  raw.socket.destroy()
  // 1.2 MB over: twelve seconds, not years
  const refused = await fetch(`${url}/v1/events`, { method: 'POST', headers: head, body: batch })
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('retry-after'))).toBeLessThan(20)
})

test('what does not fit in memory is turned away at once, and what was let in is stored', async () => {
  await open({ bodiesBytesMax: 256 * 1024 })
  const key = await collector.key('default', 'ingest')
  const client = new pg.Client(database.url)
  await client.connect()
  try {
    // nobody can append
    await client.query('select pg_advisory_lock(1398361680, lane) from generate_series(0, 3) as lane')
    const letIn = Array.from({ length: 16 }, (_, index) => send(key, [makeEvent()], index % 4))
    await vi.waitFor(async () => {
      const { rows } = await client.query(
        `select count(*)::int as waiting from pg_locks where locktype = 'advisory' and not granted`,
      )
      expect(rows[0].waiting).toBe(4)
    })
    const refused = await send(key)
    expect(problemOf(refused)).toMatchObject({ code: 'overloaded', status: 503 })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    await client.query('select pg_advisory_unlock_all()')
    for (const { statusCode } of await Promise.all(letIn)) expect(statusCode).toBe(202)
    expect((await send(key)).statusCode).toBe(202)
  } finally {
    await client.end()
  }
})
