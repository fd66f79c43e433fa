import { Writable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { engines, type FreshStore } from '../../../tools/testing/stores.ts'
import { type RunningCollector, startCollector } from '../src/index.ts'
import { gzipBomb, makeBatch, makeEvent } from './make-batch.ts'
import { openRaw, rawProblem, requestHead } from './raw-http.ts'

const waiting = { timeout: 20_000, interval: 20 }
const requestTimeoutMs = 2_000

let opened: FreshStore
let key: string
let metrics: Registry
let collector: RunningCollector

beforeAll(async () => {
  opened = await engines.PostgreSQL()
  key = (await opened.store.keys.create('default', 'test', ['ingest'])).key
})
afterAll(() => opened.close())
beforeEach(async () => {
  metrics = new Registry()
  collector = await startCollector({
    store: opened.store,
    port: 0,
    metrics,
    requestTimeoutMs,
  })
})
afterEach(() => collector.close())

const head = (more: Record<string, string | number>) =>
  requestHead({ authorization: `Bearer ${key}`, 'content-type': 'application/json', ...more })

test('a wrong key is refused on the headers alone, before any of the body has come', async () => {
  const raw = openRaw(collector.url)
  raw.socket.write(
    requestHead({
      authorization: 'Bearer wrong',
      'content-type': 'application/json',
      'content-length': 1_000_000,
    }),
  )
  await vi.waitFor(() => expect(raw.received()).toContain('"code":"unauthorized"'), waiting)
  raw.socket.destroy()
})

test('a body that is announced too large is refused before it has come', async () => {
  const raw = openRaw(collector.url)
  raw.socket.write(head({ 'content-length': 5_000_000 }))
  await vi.waitFor(() => expect(raw.received()).toContain('"code":"body_too_large"'), waiting)
  raw.socket.destroy()
})

test('a sender of 40 MB without a length gets its answer while it is still sending', async () => {
  const chunk = Buffer.alloc(1024 * 1024, ' ')
  let sent = 0
  const body = new ReadableStream({
    pull(controller) {
      if (sent++ < 40) controller.enqueue(chunk)
      else controller.close()
    },
  })
  const response = await fetch(`${collector.url}/v1/events`, {
    method: 'POST',
    body,
    duplex: 'half',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  } as RequestInit)
  expect(response.status).toBe(413)
  expect(await response.json()).toMatchObject({ code: 'body_too_large' })
})

test('a gzip bomb costs no more memory than the limit, whatever it inflates to', async () => {
  const bomb = gzipBomb(1_024)
  const before = process.memoryUsage().rss
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 5)
  const responses = await Promise.all(
    Array.from({ length: 4 }, () =>
      fetch(`${collector.url}/v1/events`, {
        method: 'POST',
        body: bomb,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'content-encoding': 'gzip',
        },
      }),
    ),
  )
  clearInterval(watch)
  // together they may fill the memory of all bodies before each is known to be a bomb
  for (const response of responses)
    expect(['body_too_large', 'overloaded']).toContain(((await response.json()) as { code: string }).code)
  expect(peak - before).toBeLessThan(256 * 1024 * 1024)
})

test('a body that comes too slowly is cut with a problem, and others are served meanwhile', async () => {
  const raw = openRaw(collector.url)
  raw.socket.write(`${head({ 'content-length': 1_000 })}{`)
  const drip = setInterval(() => raw.socket.write(' '), 100)
  const response = await fetch(`${collector.url}/v1/events`, {
    method: 'POST',
    body: JSON.stringify(makeBatch([makeEvent()])),
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
  })
  expect(response.status).toBe(202)
  await raw.ended
  clearInterval(drip)
  expect(raw.received()).toMatch(/^HTTP\/1\.1 408 /)
  expect(rawProblem(raw.received())).toMatchObject({ code: 'request_timeout', status: 408 })
})

test.each([
  ['bytes that are not HTTP', 'HELO\r\n\r\n', 400, 'invalid_request'],
  ['20 kB of headers', requestHead({ 'x-long': 'x'.repeat(20_000) }), 431, 'headers_too_large'],
])('%s get a problem document too', async (_, bytes, status, code) => {
  const raw = openRaw(collector.url)
  raw.socket.write(bytes)
  await raw.ended
  expect(raw.received()).toContain('Content-Type: application/problem+json')
  expect(rawProblem(raw.received())).toMatchObject({ status, code })
})

test('a client that goes away in the middle of its body leaves the collector well', async () => {
  const raw = openRaw(collector.url)
  raw.socket.write(`${head({ 'content-length': 1_000 })}{`, () => raw.socket.destroy())
  await raw.ended
  expect((await fetch(`${collector.url}/livez`)).status).toBe(200)
})

const bodyBytes = async () => {
  const figure = await metrics.getSingleMetric('syncproof_ingest_body_bytes')?.get()
  return figure?.values[0]?.value
}

test.each([
  ['plain', {}],
  ['gzip', { 'content-encoding': 'gzip' }],
])('a client that goes away in the middle of a %s body leaves its place in memory', async (_, encoding) => {
  const raw = openRaw(collector.url)
  raw.socket.write(head({ ...encoding, 'content-length': 1_000_000 }))
  await vi.waitFor(async () => expect(await bodyBytes()).toBeGreaterThan(0), waiting)
  raw.socket.destroy()
  await vi.waitFor(async () => expect(await bodyBytes()).toBe(0), waiting)
})

test('a client that goes away while its key is looked up takes no place in memory', async () => {
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>()
  const { promise: answer, resolve: answerNow } = Promise.withResolvers<void>()
  const keys = {
    ...opened.store.keys,
    async authenticate(text: string) {
      const known = await opened.store.keys.authenticate(text)
      isAsked()
      await answer
      return known
    },
  }
  metrics = new Registry()
  const slow = await startCollector({ store: { ...opened.store, keys }, port: 0, metrics })
  const closed = new Promise<void>((resolve) =>
    slow.app.server.once('connection', (socket) => socket.once('close', () => resolve())),
  )
  const raw = openRaw(slow.url)
  raw.socket.write(`${head({ 'content-length': 1_000_000 })}{`)
  await asked
  raw.socket.destroy()
  await closed
  answerNow()
  await nextTurn()
  expect(await bodyBytes()).toBe(0)
  await slow.close()
})

test('close answers what was accepted: a batch whose body is still coming is stored', async () => {
  const event = makeEvent({ entity: { type: 'candidate', id: 'closing' } })
  const body = JSON.stringify(makeBatch([event]))
  const raw = openRaw(collector.url)
  raw.socket.write(head({ 'content-length': body.length, expect: '100-continue' }))
  // the server says so when it has read the head: from there on the request is accepted
  await vi.waitFor(() => expect(raw.received()).toContain('100 Continue'), waiting)
  raw.socket.write(body.slice(0, 10))
  const closed = collector.close()
  await vi.waitFor(() => expect(collector.app.server.listening).toBe(false), waiting)
  raw.socket.write(body.slice(10))
  await vi.waitFor(() => expect(raw.received()).toContain('HTTP/1.1 202 '), waiting)
  await closed
  const page = await opened.store.events.timeline(
    'default',
    { type: 'candidate', id: 'closing' },
    { limit: 10 },
  )
  expect(page.items).toMatchObject([{ id: event.id }])
})

test('the log has a line a request, and never a key, an entity or a line break from outside', async () => {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const logging = await startCollector({
    store: opened.store,
    port: 0,
    metrics: new Registry(),
    logger: { level: 'trace', stream },
  })
  const headers = { authorization: `Bearer ${key}` }
  await fetch(`${logging.url}/v1/entities/candidate/jane%0Adoe/timeline?limit=x%0d%0ax`, { headers })
  await fetch(`${logging.url}/v1/nothing/jane`, { headers })
  await logging.close()
  expect(lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request answered')).toMatchObject(
    [
      { method: 'GET', route: '/v1/entities/:type/:id/timeline', status: 403 },
      { method: 'GET', route: 'none', status: 404 },
    ],
  )
  for (const line of lines) {
    expect(line.trimEnd()).not.toContain('\n')
    expect(line).not.toContain(key)
    expect(line).not.toContain('jane')
  }
})
