import { spawn } from 'node:child_process'
import { limits } from '@syncproof/core/contract'
import { eventSchemas, processSchema } from '@syncproof/core/contract/schema'
import { afterEach, expect, it, vi } from 'vitest'
import { createSyncproof, type SyncproofOptions, type SyncproofWarning } from '../src/index.ts'
import { type Answer, type RecordingServer, recordingServer } from './recording-server.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(answer?: Answer, options: Partial<SyncproofOptions> = {}) {
  const server = await recordingServer(answer)
  const warnings: SyncproofWarning[] = []
  const syncproof = createSyncproof({
    service: 'test',
    url: server.url,
    apiKey: 'secret',
    fingerprintKey: 'k',
    flushTimeoutMs: 300,
    onWarning: (warning) => warnings.push(warning),
    ...options,
  })
  closing.push(server.close, () => syncproof.shutdown())
  const call = syncproof.wrap((id: string) => id, { entity: (id) => ({ type: 'thing', id }), name: 'call' })
  return { server, syncproof, warnings, call }
}

const seqs = (server: RecordingServer) => server.events().map((event) => event.seq)

it('events arrive by themselves, numbered without a gap, and keep the contract', async () => {
  const { server, call } = await start()
  for (let n = 0; n < 700; n += 1) call(`t${n}`)
  await vi.waitFor(() => expect(server.events()).toHaveLength(1_400), 20_000)
  expect(seqs(server)).toEqual(Array.from({ length: 1_400 }, (_, seq) => seq))
  const ids = server.events().map((event) => event.id)
  expect(ids).toEqual([...ids].sort())
  for (const event of server.events()) expect(eventSchemas[event.kind].safeParse(event).error).toBeUndefined()
  for (const { batch, headers, bytes } of server.requests) {
    expect(processSchema.safeParse(batch.process).error).toBeUndefined()
    expect(batch.events.length).toBeLessThanOrEqual(limits.eventsPerBatchMax)
    expect(headers.authorization).toBe('Bearer secret')
    // within one machine bytes cost less than their compression
    expect(headers['content-encoding']).toBeUndefined()
    expect(bytes).toBeGreaterThan(0)
  }
})

it('what is worth it is compressed on its way to another machine', async () => {
  const { server, syncproof } = await start()
  const remote = createSyncproof({
    service: 'remote',
    // the same server, by an address that could be any machine's
    url: server.url.replace('127.0.0.1', '0.0.0.0'),
    fingerprintKey: 'k',
  })
  const call = remote.wrap((_id: string) => {}, { entity: (id: string) => ({ type: 'thing', id }) })
  for (let n = 0; n < 100; n += 1) call(`t${n}`)
  await remote.shutdown()
  await syncproof.shutdown()
  const requests = server.requests.filter(({ batch }) => batch.process.service === 'remote')
  expect(requests.length).toBeGreaterThan(0)
  for (const { headers, bytes } of requests)
    expect(headers['content-encoding']).toBe(bytes >= 2_048 ? 'gzip' : undefined)
  expect(requests.some(({ headers }) => headers['content-encoding'] === 'gzip')).toBe(true)
})

it('flush sends what waits, and of an empty queue resolves at once', async () => {
  const { server, syncproof, call } = await start(undefined, { flushIntervalMs: 60_000 })
  expect(await syncproof.flush()).toEqual({ sent: 0, dropped: 0, pending: 0 })
  call('a')
  expect(await syncproof.flush()).toEqual({ sent: 2, dropped: 0, pending: 0 })
  expect(server.requests).toHaveLength(1)
})

it('what a failing collector did not take is sent again, with the same ids', async () => {
  let failures = 3
  const { server, syncproof, call } = await start(
    () => {
      failures -= 1
      return failures >= 0 ? (failures === 1 ? 'hang up' : { status: 503 }) : undefined
    },
    { flushTimeoutMs: 20_000 },
  )
  call('a')
  expect(await syncproof.flush()).toEqual({ sent: 2, dropped: 0, pending: 0 })
  const [first, ...others] = server.requests.map(({ batch }) => batch.events)
  expect(others).toEqual([first, first, first])
})

it('Retry-After is honoured', async () => {
  let answers = 0
  const { server, syncproof, call } = await start(
    () => {
      answers += 1
      return answers === 1 ? { status: 429, headers: { 'retry-after': '1' } } : undefined
    },
    { flushTimeoutMs: 20_000 },
  )
  call('a')
  const startedMs = performance.now()
  await syncproof.flush()
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1_000)
  expect(server.requests).toHaveLength(2)
})

it('a batch that is too large is split; an event that is too large alone is dropped and counted', async () => {
  const { server, syncproof, call } = await start(
    ({ batch }) =>
      batch.events.length > 3 ||
      batch.events.some((event) => 'entity' in event && event.entity.id === 'giant')
        ? { status: 413 }
        : undefined,
    { flushTimeoutMs: 20_000, flushIntervalMs: 60_000 },
  )
  for (const id of ['a', 'b', 'giant', 'c', 'd']) call(id)
  expect(await syncproof.flush()).toEqual({ sent: 9, dropped: 1, pending: 0 })
  call('e')
  await syncproof.flush()
  expect(server.requests.at(-1)?.batch.process.books).toEqual({ produced: 12, dropped: { too_large: 1 } })
})

it('events that the collector rejects are counted, and the first is told', async () => {
  const rejected = [{ index: 0, code: 'invalid_event', pointer: '/events/0/name', message: 'must be text' }]
  const { syncproof, call, warnings } = await start(({ batch }) =>
    batch.events.length > 2
      ? { status: 202, body: { accepted: batch.events.length - 1, duplicates: 0, rejected } }
      : { status: 422, body: { code: 'no_valid_event', rejected: [...rejected, ...rejected] } },
  )
  call('a')
  expect(await syncproof.flush()).toEqual({ sent: 0, dropped: 2, pending: 0 })
  call('b')
  call('c')
  expect(await syncproof.flush()).toEqual({ sent: 3, dropped: 3, pending: 0 })
  expect(warnings).toEqual([
    { code: 'events_rejected', message: 'the collector rejected events: /events/0/name must be text' },
  ])
})

it('a wrong key is told once, and the events wait', async () => {
  const { syncproof, call, warnings } = await start(() => ({
    status: 401,
    body: { title: 'The key is not known' },
  }))
  call('a')
  expect(await syncproof.flush()).toEqual({ sent: 0, dropped: 0, pending: 2 })
  expect(await syncproof.flush()).toEqual({ sent: 0, dropped: 0, pending: 2 })
  expect(warnings.map(({ code }) => code)).toEqual(['unauthorized'])
})

it('with the collector away the queue keeps its bound, and the books close', async () => {
  const { syncproof, call, warnings } = await start(undefined, {
    url: 'http://127.0.0.1:9',
    queueBytesMax: 20_000,
  })
  for (let n = 0; n < 500; n += 1) call(`t${n}`)
  const { sent, dropped, pending } = await syncproof.flush()
  expect(sent).toBe(0)
  expect(pending).toBeGreaterThan(10)
  expect(dropped).toBeGreaterThan(500)
  expect(dropped + pending).toBe(1_000)
  expect(warnings.map(({ code }) => code)).toEqual(['queue_full'])
})

it('a hanging collector holds up neither the app nor flush', async () => {
  const { server, syncproof, call } = await start(() => 'hang', { flushIntervalMs: 0 })
  const startedMs = performance.now()
  for (let n = 0; n < 100; n += 1) call('a')
  expect(performance.now() - startedMs).toBeLessThan(500)
  // the request that flush finds under way may take its 10 s
  await vi.waitFor(() => expect(server.requests).toHaveLength(1))
  expect(await syncproof.flush()).toEqual({ sent: 0, dropped: 0, pending: 200 })
  expect(performance.now() - startedMs).toBeLessThan(3_000)
})

it('what comes while a flush is sending arrives by itself', async () => {
  const later: (() => void)[] = []
  const { server, syncproof, call } = await start(
    () => {
      later.pop()?.()
      return undefined
    },
    { flushIntervalMs: 50 },
  )
  call('a')
  later.push(() => call('b'))
  expect(await syncproof.flush()).toEqual({ sent: 2, dropped: 0, pending: 2 })
  await vi.waitFor(() => expect(server.events()).toHaveLength(4), 10_000)
})

it('sampling leaves out calls with all that they call, and counts every event that they would have made', async () => {
  const isKept = (id: string) => id.endsWith('1')
  const { server, syncproof } = await start(undefined, {
    sampleRate: ({ name, entity }) => (name === 'outer' && isKept(entity.id) ? 1 : 0),
  })
  const entity = (id: string) => ({ type: 'thing', id })
  const inner = syncproof.wrap((id: string) => syncproof.read('db', () => ({ id })), {
    entity,
    name: 'inner',
  })
  const outer = syncproof.wrap(async (id: string) => inner(id), { entity, name: 'outer' })
  for (let n = 0; n < 30; n += 1) expect(await outer(`t${n}`)).toEqual({ id: `t${n}` })
  // 3 of 30 are kept, with 5 events each; a number is taken before an event is left out
  expect(await syncproof.flush()).toEqual({ sent: 15, dropped: 135, pending: 0 })
  expect(server.requests.at(-1)?.batch.process.books).toEqual({ produced: 150, dropped: { sampled: 135 } })
  expect(seqs(server)).toEqual([1, 11, 21].flatMap((n) => [0, 1, 2, 3, 4].map((m) => 5 * n + m)))
  const kept = server.events().map((event) => ('entity' in event ? event.entity.id : 't1'))
  expect(kept.every(isKept)).toBe(true)
})

it('sampleRate is the share that is kept', async () => {
  const { syncproof, call } = await start(undefined, { sampleRate: 0.25 })
  for (let n = 0; n < 4_000; n += 1) call(`t${n}`)
  const { sent, dropped } = await syncproof.flush()
  expect(sent + dropped).toBe(8_000)
  expect(sent / 8_000).toBeGreaterThan(0.2)
  expect(sent / 8_000).toBeLessThan(0.3)
})

it('waitUntil is handed a promise that settles when a call’s events are delivered, and what came meanwhile', async () => {
  const handed: Promise<unknown>[] = []
  const { server, call } = await start(undefined, {
    flushIntervalMs: 60_000,
    waitUntil: (delivery) => handed.push(delivery),
  })
  call('a')
  call('b')
  expect(handed).toHaveLength(1)
  await Promise.all(handed)
  expect(server.events()).toHaveLength(4)
  call('c')
  await handed[1]
  expect(server.events()).toHaveLength(6)
})

it('a collector that tells milliseconds bounds the clocks by the round trip', async () => {
  const aheadMs = 5_000
  const { server } = await start(
    () => ({
      status: 202,
      body: { accepted: 0, duplicates: 0, rejected: [] },
      headers: { 'syncproof-time': String(Date.now() + aheadMs) },
    }),
    { heartbeatIntervalMs: 20 },
  )
  await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(5), 10_000)
  const [low = 0, high = 0] = server.requests.at(-1)?.batch.process.clock?.offset_ms ?? []
  // now() may be off from Date.now() by its anchor's tolerance
  expect(low).toBeLessThan(aheadMs + 15)
  expect(high).toBeGreaterThan(aheadMs - 15)
  expect(high - low).toBeLessThan(500)
})

it('a silent process sends heartbeats with its books and what it knows of the clocks', async () => {
  const { server } = await start(undefined, { heartbeatIntervalMs: 30 })
  await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(2), 10_000)
  const last = server.requests.at(-1)?.batch
  expect(last).toMatchObject({ contract: 1, events: [], process: { books: { produced: 0, dropped: {} } } })
  const [low, high] = last?.process.clock?.offset_ms ?? [1, 0]
  // both clocks are this machine's
  expect(low).toBeLessThanOrEqual(0)
  expect(high).toBeGreaterThanOrEqual(0)
  expect(high - low).toBeLessThan(4_000)
})

it('shutdown says that the process ended, with the last number before it; an open operation keeps it from saying so', async () => {
  const first = await start()
  first.call('a')
  await first.syncproof.shutdown()
  first.call('too late')
  expect(await first.syncproof.flush()).toEqual({ sent: 3, dropped: 0, pending: 0 })
  expect(first.server.ofKind('process_ended')).toMatchObject([{ seq: 2, last_seq: 1 }])

  const second = await start()
  const { promise, resolve } = Promise.withResolvers<void>()
  const open = second.syncproof.wrap((_id: string) => promise, { entity: (id) => ({ type: 'thing', id }) })(
    'a',
  )
  await second.syncproof.shutdown()
  resolve()
  await open
  expect(second.server.events().map((event) => event.kind)).toEqual(['operation_started'])
})

it('a script that ends by itself still delivers, and one whose collector is away still ends', async () => {
  const { server } = await start()
  const script = `
    import { createSyncproof } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
    const syncproof = createSyncproof({ service: 'script', fingerprintKey: 'k', exitTimeoutMs: 500 })
    syncproof.wrap((id) => id, { entity: (id) => ({ type: 'thing', id }) })('a')`
  const run = (url: string) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      env: { ...process.env, SYNCPROOF_URL: url, NODE_OPTIONS: '' },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    return new Promise<number | null>((resolve) => child.once('exit', resolve))
  }
  expect(await run(server.url)).toBe(0)
  expect(server.events().map((event) => event.kind)).toEqual(['operation_started', 'operation_finished'])
  expect(await run('http://127.0.0.1:9')).toBe(0)
  const { server: hanging } = await start(() => 'hang')
  expect(await run(hanging.url)).toBe(0)
})

it('wrong options are an error at once, and in production a client that only runs what it is handed', async () => {
  expect(() => createSyncproof({ service: '' })).toThrow('`service` must be the name of this program')
  expect(() => createSyncproof({ service: 'a', url: 'localhost:4319' })).toThrow('not an http(s) address')
  expect(() => createSyncproof({ service: 'a', queueBytesMax: -1 })).toThrow('`queueBytesMax`')
  vi.stubEnv('NODE_ENV', 'production')
  const warnings: SyncproofWarning[] = []
  const syncproof = createSyncproof({ service: '', onWarning: (warning) => warnings.push(warning) })
  vi.unstubAllEnvs()
  const fn = (id: string) => id
  expect(syncproof.wrap(fn, { entity: (id) => ({ type: 'thing', id }) })).toBe(fn)
  expect(await syncproof.shutdown()).toEqual({ sent: 0, dropped: 0, pending: 0 })
  expect(warnings.map(({ code }) => code)).toEqual(['invalid_options'])
})

it('an unset fingerprint key is a warning', () => {
  vi.stubEnv('SYNCPROOF_FINGERPRINT_KEY', '')
  const warnings: SyncproofWarning[] = []
  const syncproof = createSyncproof({
    service: 'a',
    url: 'http://127.0.0.1:9',
    flushTimeoutMs: 0,
    onWarning: (warning) => warnings.push(warning),
  })
  vi.unstubAllEnvs()
  closing.push(() => syncproof.shutdown())
  expect(warnings.map(({ code }) => code)).toEqual(['default_fingerprint_key'])
})
