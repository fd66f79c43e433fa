import { once } from 'node:events'
import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import * as undici from 'undici'
import { afterEach, beforeEach, expect, expectTypeOf, it, vi } from 'vitest'
import { z } from 'zod'
import { contract as defineContract } from '../src/contracts/index.ts'
import { type FetchOptions, observeFetch } from '../src/external/observe-fetch.ts'
import { createSyncproof, type Syncproof, type SyncproofWarning } from '../src/index.ts'
import { type Handler, type HttpSystem, httpSystem, json } from './http-system.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

/** It has no types. */
const jsonServer: {
  create(): { use(handler: unknown): void; listen(port: number, host: string): Server }
  router(data: object): unknown
} = createRequire(import.meta.url)('json-server')

let collector: RecordingServer
let syncproof: Syncproof
let warnings: SyncproofWarning[]
const systems: HttpSystem[] = []

beforeEach(async () => {
  collector = await recordingServer()
  warnings = []
  syncproof = createSyncproof({
    service: 'test',
    url: collector.url,
    fingerprintKey: 'k',
    onWarning: (warning) => warnings.push(warning),
  })
})
afterEach(async () => {
  await syncproof.shutdown()
  await collector.close()
  await Promise.all(systems.splice(0).map((system) => system.close()))
})

async function system(handler: Handler): Promise<HttpSystem> {
  const made = await httpSystem(handler)
  systems.push(made)
  return made
}

/** Runs `body` as an operation about candidate c1, and gives the syncs that it made. */
async function syncsOf(
  body: (fetch: typeof globalThis.fetch) => unknown,
  options: Partial<FetchOptions> = {},
) {
  const fetch = observeFetch({ system: 'ats', ...options })
  const run = syncproof.wrap(async (_id: string) => body(fetch), {
    entity: (id) => ({ type: 'candidate', id }),
  })
  await run('c1')
  await syncproof.flush()
  return collector.ofKind('sync')
}

const ignore = () => undefined
const put = (body: unknown, more: RequestInit = {}): RequestInit => ({
  method: 'PUT',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
  ...more,
})

it('a PUT is a sync of the operation’s record, with the fields as they were sent', async () => {
  const ats = await system((_, response) => json(response, 200, { ok: true }, { etag: '"7"' }))
  const [sync] = await syncsOf(async (fetch) => {
    const response = await fetch(`${ats.url}/candidates/c1`, put({ name: 'Ada', tags: [1] }))
    expect(await response.json()).toEqual({ ok: true })
    await syncproof.sync('other', { name: 'Ada', tags: [1] }, ignore)
  })
  const [, byMark] = collector.ofKind('sync')
  expect(sync).toMatchObject({
    system: 'ats',
    entity: { type: 'candidate', id: 'c1' },
    action: 'upsert',
    outcome: 'ok',
    status: 200,
    attempt: 1,
    external_version: '"7"',
  })
  expect(sync?.external_ordered).toBeUndefined()
  expect(sync?.fields).toEqual(byMark?.fields)
  expect(collector.ofKind('operation_finished')).toMatchObject([{ outcome: 'ok' }])
  expect(collector.ofKind('operation_finished')[0]?.in_flight).toBeUndefined()
})

it('outside a wrapped call it only calls through, and reports nothing', async () => {
  const ats = await system((received, response) => json(response, 200, received.body))
  const fetch = observeFetch({ system: 'ats' })
  expect(await (await fetch(ats.url, put({ a: 1 }))).json()).toBe('{"a":1}')
  await syncproof.flush()
  expect(collector.events()).toEqual([])
})

it('what the app passes and gets stays the very same', async () => {
  const response = new Response('{}', { headers: { 'content-type': 'application/json' } })
  const inner = Object.assign(
    vi.fn(async (_input: unknown, _init?: unknown) => response),
    { preconnect: 7 },
  )
  const fetch = observeFetch(inner, { system: 'ats' })
  expectTypeOf(fetch).toEqualTypeOf<typeof inner>()
  expectTypeOf(observeFetch({ system: 'ats' })).toEqualTypeOf<typeof globalThis.fetch>()
  const init = put({ a: 1 })
  const run = syncproof.wrap(async (_id: string) => fetch('http://x/c1', init), {
    entity: (id) => ({ type: 'candidate', id }),
  })
  expect(await run('c1')).toBe(response)
  expect(inner.mock.calls[0]?.[1]).toBe(init)
  expect(fetch.preconnect).toBe(7)
  const error = new Error('mine')
  const failing = observeFetch((_input: string) => Promise.reject(error), { system: 'ats' })
  const fails = syncproof.wrap(async (_id: string) => failing('http://x'), {
    entity: (id) => ({ type: 'candidate', id }),
  })
  await expect(fails('c1')).rejects.toBe(error)
})

it.each<[string, number, RequestInit, string]>([
  ['201', 201, { method: 'POST' }, 'ok'],
  ['202', 202, { method: 'PUT' }, 'unknown'],
  ['400', 400, { method: 'PUT' }, 'rejected'],
  ['408', 408, { method: 'PUT' }, 'unknown'],
  ['409', 409, { method: 'PUT' }, 'unknown'],
  ['422', 422, { method: 'PUT' }, 'rejected'],
  ['425', 425, { method: 'PUT' }, 'unknown'],
  ['429', 429, { method: 'PUT' }, 'unknown'],
  ['500', 500, { method: 'PUT' }, 'unknown'],
  ['503', 503, { method: 'PUT' }, 'unknown'],
  ['404', 404, { method: 'PUT' }, 'rejected'],
  ['404 to a DELETE', 404, { method: 'DELETE' }, 'unknown'],
])('the answer %s tells the truth about what became of it', async (_, status, init, outcome) => {
  const ats = await system((_received, response) => json(response, status, {}))
  const [sync] = await syncsOf((fetch) => fetch(`${ats.url}/candidates/c1`, init))
  expect(sync).toMatchObject({ outcome, status })
})

it('a contract of the system overrides what a status or an error means', async () => {
  const ats = await system((received, response) => json(response, Number(received.path.slice(1)), {}))
  const contract = { applied: [409], rejected: [429, 'ECONNRESET'], unknown: [422] }
  const syncs = await syncsOf(
    async (fetch) => {
      for (const status of [409, 429, 422]) await fetch(`${ats.url}/${status}`, put({}))
    },
    { contract },
  )
  expect(syncs.map(({ outcome }) => outcome)).toEqual(['ok', 'rejected', 'unknown'])
})

it('a connection that was cut before the answer leaves the outcome unknown', async () => {
  const ats = await system((_, response) => void response.destroy())
  const syncs = await syncsOf((fetch) => fetch(ats.url, put({ a: 1 })).catch(ignore))
  expect(syncs).toMatchObject([{ outcome: 'unknown', attempt: 1 }])
  expect(syncs[0]?.status).toBeUndefined()
})

it('a connection that was cut within the body of the answer does not undo the answer', async () => {
  const ats = await system((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 })
    response.write('{"id":')
    setTimeout(() => response.destroy(), 20)
  })
  const [sync] = await syncsOf(
    async (fetch) => {
      const response = await fetch(ats.url, put({ a: 1 }))
      await expect(response.json()).rejects.toThrow()
    },
    { contract: { externalId: '$.id' } },
  )
  expect(sync).toMatchObject({ outcome: 'ok', status: 200 })
  expect(sync?.external_id).toBeUndefined()
})

it('a timeout and an abort leave the outcome unknown, and reach the app as they are', async () => {
  const ats = await system(() => undefined)
  const signal = AbortSignal.timeout(50)
  const [sync] = await syncsOf(async (fetch) => {
    const error = await fetch(ats.url, put({ a: 1 }, { signal })).catch((thrown: unknown) => thrown)
    expect(error).toBe(signal.reason)
    expect(signal.aborted).toBe(true)
  })
  expect(sync).toMatchObject({ outcome: 'unknown' })
})

it('nobody listening is surely not applied: one request was made, and none was begun', async () => {
  const gone = await httpSystem(ignore)
  await gone.close()
  const syncs = await syncsOf((fetch) => fetch(gone.url, put({ a: 1 })).catch(ignore))
  expect(syncs).toMatchObject([{ outcome: 'rejected' }])
})

it('nobody listening behind a redirect proves nothing: the first host has the request', async () => {
  const gone = await httpSystem(ignore)
  await gone.close()
  const ats = await system((_, response) => void response.writeHead(303, { location: gone.url }).end())
  const syncs = await syncsOf((fetch) => fetch(ats.url, put({ a: 1 })).catch(ignore))
  expect(syncs).toMatchObject([{ outcome: 'unknown' }])
})

it('a client that tries again by itself is not taken for one that never sent', async () => {
  const ats = await system((_, response) => void response.destroy())
  const gone = await httpSystem(ignore)
  await gone.close()
  const retrying = async (url: string, init: RequestInit) =>
    fetch(url, init).catch(() => fetch(gone.url, init))
  const observed = observeFetch(retrying, { system: 'ats' })
  const syncs = await syncsOf(() => observed(ats.url, put({ a: 1 })).catch(ignore))
  expect(syncs).toMatchObject([{ outcome: 'unknown' }])
})

it('undici’s own fetch, and its retries, are seen as those of Node', async () => {
  const answers = [503, 422, 422, 'cut', 422]
  const ats = await system((_, response) => {
    const answer = answers.shift()
    if (typeof answer === 'number') json(response, answer, {})
    else response.destroy()
  })
  const gone = await httpSystem(ignore)
  await gone.close()
  const dispatcher = new undici.RetryAgent(new undici.Agent(), { minTimeout: 1, maxRetries: 1 })
  const observed = observeFetch(undici.fetch, { system: 'ats' })
  const syncs = await syncsOf(async () => {
    // retried after 503, not retried, retried after a cut
    for (const path of ['1', '2', '3']) await observed(`${ats.url}/${path}`, { method: 'DELETE', dispatcher })
    await observed(gone.url, { method: 'PATCH', body: '{"a":1}' }).catch(ignore)
  })
  await dispatcher.close()
  expect(ats.received).toHaveLength(5)
  expect(syncs.map(({ outcome, status }) => [outcome, status])).toEqual([
    ['unknown', 422],
    ['rejected', 422],
    ['unknown', 422],
    ['rejected', undefined],
  ])
})

it('a system that closes a kept connection under a request leaves its outcome unknown', async () => {
  const ats = await system((_, response, count) => {
    if (count === 2) response.socket?.resetAndDestroy()
    else json(response, 200, {})
  })
  const syncs = await syncsOf(async (fetch) => {
    await (await fetch(ats.url, put({ a: 1 }))).text()
    await fetch(ats.url, put({ a: 2 })).catch(ignore)
    await (await fetch(ats.url, put({ a: 3 }))).text()
  })
  expect(syncs.map(({ outcome }) => outcome)).toEqual(['ok', 'unknown', 'ok'])
})

it('json-server keeps what was sent, and what it answered is known', async () => {
  const server = jsonServer.create()
  server.use(jsonServer.router({ candidates: [{ id: 'c1', name: 'Old' }] }))
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const address = listening.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  const url = `http://127.0.0.1:${address.port}/candidates`
  const syncs = await syncsOf(
    async (fetch) => {
      await fetch(`${url}/c1`, put({ name: 'Ada' }))
      const got = await fetch(`${url}/c1`)
      expect(await got.json()).toEqual({ id: 'c1', name: 'Ada' })
      await fetch(url, put({ id: 'c9', name: 'Eve' }, { method: 'POST' }))
      await fetch(`${url}/none`, { method: 'DELETE' })
      await fetch(`${url}/none`, put({ name: 'Ada' }))
    },
    { contract: { externalId: '$.id' } },
  )
  listening.closeAllConnections()
  listening.close()
  expect(syncs.map(({ action, outcome, external_id }) => [action, outcome, external_id])).toEqual([
    ['upsert', 'ok', 'c1'],
    ['create', 'ok', 'c9'],
    ['update', 'unknown', undefined],
    ['upsert', 'rejected', undefined],
  ])
  expect(collector.ofKind('read')).toMatchObject([{ found: true }])
})

it('a copy of a record that was read or written names its version', async () => {
  const ats = await system((_, response) => json(response, 200, {}))
  const row = { id: 'c1', name: 'Ada', at: new Date(0), version: 4 }
  const written = { ...row, name: 'Eve', version: 5 }
  const version = ({ version }: { version: number }) => version
  const syncs = await syncsOf(async (fetch) => {
    await syncproof.read('db', () => row, { version })
    await syncproof.write('db', written, ignore, { version })
    const send = (body: object) => fetch(`${ats.url}/c1`, put(body))
    await send(row)
    await send(written)
    await send({ ...written, note: 'more' })
    await send({ id: 'c1', note: 'names no version' })
    await send({ ...written, name: 'Other' })
  })
  expect(syncs.map(({ version }) => version?.slice(-2))).toEqual(['/4', '/5', '/5', undefined, undefined])
})

it('replies are checked by the operation’s contract', async () => {
  const ats = await system((_, response) => json(response, 200, { id: 7 }))
  const contract = defineContract({ response: { ats: z.object({ id: z.string() }) } })
  const fetch = observeFetch({ system: 'ats' })
  const run = syncproof.wrap(async (_id: string) => (await fetch(ats.url, put({}))).json(), {
    entity: (id) => ({ type: 'candidate', id }),
    contract,
  })
  expect(await run('c1')).toEqual({ id: 7 })
  await vi.waitFor(async () => {
    await syncproof.flush()
    expect(collector.ofKind('contract_violated')).toHaveLength(1)
  })
  expect(collector.ofKind('contract_violated')).toMatchObject([
    { boundary: 'response', issues: [{ path: '/id' }] },
  ])
})

it('a redirect that keeps the method has the last answer; one that changes it has none', async () => {
  const ats = await system((received, response) => {
    const status = /^\/(\d+)/.exec(received.path)?.[1]
    if (status) response.writeHead(Number(status), { location: received.path.slice(4) }).end()
    else json(response, received.path === '/no' ? 422 : 200, {})
  })
  const paths = ['/307/yes', '/308/no', '/302/yes', '/303/yes', '/303/no']
  const syncs = await syncsOf(async (fetch) => {
    for (const path of paths) {
      await fetch(`${ats.url}${path}`, { method: 'POST', body: JSON.stringify({ path }) })
    }
  })
  expect(syncs.map(({ outcome }) => outcome)).toEqual(['ok', 'rejected', 'unknown', 'unknown', 'unknown'])
  expect(ats.received.map(({ method }) => method).slice(-2)).toEqual(['POST', 'GET'])
})

it('a definite answer to a retry is unknown while an earlier try has no answer', async () => {
  const ats = await system((_, response, count) => {
    if (count === 1) response.destroy()
    else json(response, 422, {})
  })
  const syncs = await syncsOf(async (fetch) => {
    await fetch(ats.url, put({ a: 1 })).catch(ignore)
    await fetch(ats.url, put({ a: 1 }))
    await fetch(ats.url, put({ a: 2 }))
  })
  expect(syncs.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, 'unknown'],
    [2, 'unknown'],
    [1, 'rejected'],
  ])
})

it('tries with one idempotency key are one sync, also across wrapped calls', async () => {
  const ats = await system((_, response, count) => {
    if (count === 1) response.destroy()
    else json(response, 422, {})
  })
  const init = put({ a: 1 }, { headers: { 'Idempotency-Key': 'key-1' } })
  await syncsOf((fetch) => fetch(ats.url, init).catch(ignore))
  const syncs = await syncsOf((fetch) => fetch(ats.url, { ...init, body: '{"a":2}' }))
  expect(syncs.map(({ attempt, outcome, idempotency_key }) => [attempt, outcome, idempotency_key])).toEqual([
    [1, 'unknown', 'key-1'],
    [2, 'unknown', 'key-1'],
  ])
})

it('ids and revisions of the other system are read where it promises them', async () => {
  const ats = await system((_, response) =>
    json(
      response,
      201,
      { data: { id: 78 }, revision: 12 },
      { location: '/candidates/a%2F9', 'x-rev': '0042' },
    ),
  )
  const post: RequestInit = { method: 'POST', body: '{"a":1}' }
  const of = async (contract: FetchOptions['contract']) =>
    (await syncsOf(async (fetch) => (await fetch(ats.url, post)).json(), { contract })).at(-1)
  expect(await of({})).toMatchObject({ action: 'create', external_id: 'a/9' })
  expect(await of({ externalId: '$.data.id', ordered: '$.revision' })).toMatchObject({
    external_id: '78',
    external_version: '12',
    external_ordered: true,
  })
  expect(collector.ofKind('operation_finished').map((finished) => finished.in_flight)).toEqual([
    undefined,
    undefined,
  ])
  expect(await of({ ordered: 'X-Rev' })).toMatchObject({ external_version: '42', external_ordered: true })
})

it('a Request object is sent as it is, and its JSON body is known', async () => {
  const ats = await system((_, response) => json(response, 200, {}))
  const syncs = await syncsOf(async (fetch) => {
    await fetch(
      new Request(`${ats.url}/c1`, put({ name: 'Ada' }, { headers: { 'content-type': 'application/json' } })),
    )
    await fetch(`${ats.url}/c1`, put({ name: 'Ada' }))
  })
  expect(ats.received.map(({ body }) => body)).toEqual(['{"name":"Ada"}', '{"name":"Ada"}'])
  expect(ats.received[0]?.headers['content-length']).toBe('14')
  expect(syncs[0]?.fields).toEqual(syncs[1]?.fields)
  expect(Object.keys(syncs[0]?.fields ?? {})).toEqual(['name'])
})

it('a Request with a huge or a streamed body is sent whole', async () => {
  const ats = await system((_, response) => json(response, 200, {}))
  const headers = { 'content-type': 'application/json' }
  const huge = JSON.stringify({ text: 'x'.repeat(3_000_000) })
  const parts = ['{"name":', '"Ada"', '}']
  const stream = new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      const part = parts.shift()
      if (part === undefined) controller.close()
      else controller.enqueue(new TextEncoder().encode(part))
    },
  })
  const init = { method: 'PUT', headers, body: stream, duplex: 'half' } as RequestInit
  const syncs = await syncsOf(async (fetch) => {
    await fetch(new Request(`${ats.url}/c1`, { method: 'PUT', headers, body: huge }))
    await fetch(new Request(`${ats.url}/c1`, init))
  })
  expect(ats.received.map(({ body }) => body)).toEqual([huge, '{"name":"Ada"}'])
  expect(syncs.map(({ outcome, fields }) => [outcome, Object.keys(fields)])).toEqual([
    ['ok', []],
    ['ok', ['name']],
  ])
})

it('an abort of one request, before or after it was sent, leaves the others alone', async () => {
  const ats = await system((_, response) => void setTimeout(() => json(response, 200, { id: 1 }), 40))
  const controller = new AbortController()
  const syncs = await syncsOf(async (fetch) => {
    const first = fetch(ats.url, put({ a: 1 }))
    const second = fetch(ats.url, put({ a: 2 }, { signal: controller.signal }))
    controller.abort()
    await expect(second).rejects.toThrow('aborted')
    expect((await first).status).toBe(200)
    await expect(fetch(ats.url, put({ a: 3 }, { signal: controller.signal }))).rejects.toThrow('aborted')
  })
  expect(syncs.map(({ outcome }) => outcome).sort()).toEqual(['ok', 'unknown', 'unknown'])
  expect(collector.ofKind('operation_finished')[0]?.in_flight).toBeUndefined()
})

it('bodies that are no JSON are sent untouched, and nothing is known of their fields', async () => {
  const ats = await system((_, response) => json(response, 200, {}))
  const form = new FormData()
  form.set('name', 'Ada')
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"name":"Ada"}'))
      controller.close()
    },
  })
  const bodies = [
    new URLSearchParams({ name: 'Ada' }),
    form,
    new Blob(['{"name":"Ada"}']),
    new TextEncoder().encode('{"name":"Ada"}'),
    'name=Ada',
    `{"name":"${'x'.repeat(300_000)}"}`,
  ]
  const syncs = await syncsOf(async (fetch) => {
    for (const body of bodies) await fetch(ats.url, { method: 'PUT', body })
    await fetch(ats.url, { method: 'PUT', body: stream, duplex: 'half' } as RequestInit)
  })
  expect(syncs.map(({ fields }) => fields)).toEqual(Array(7).fill({}))
  expect(ats.received.map(({ body }) => body.length)).toEqual([8, expect.any(Number), 14, 14, 8, 300_011, 14])
  expect(ats.received[1]?.body).toContain('Ada')
  expect(warnings).toEqual([])
})

it('an object with a getter that throws costs its field, never the call', async () => {
  const body = {
    name: 'Ada',
    get broken() {
      throw new Error('no')
    },
  }
  const inner = vi.fn(async (_url: string, _init: object) => new Response())
  const observed = observeFetch(inner, { system: 'ats' })
  const syncs = await syncsOf(() => observed('http://x', { method: 'PUT', body }))
  expect(inner.mock.calls[0]?.[1]).toMatchObject({ method: 'PUT' })
  expect(syncs).toMatchObject([{ outcome: 'ok', fields: { broken: '!' } }])
})

it('options that throw cost the event, never the call', async () => {
  const ats = await system((_, response) => json(response, 200, {}))
  const entity = () => {
    throw new Error('no')
  }
  const syncs = await syncsOf(async (fetch) => expect((await fetch(ats.url, put({}))).status).toBe(200), {
    entity,
  })
  expect(syncs).toEqual([])
  // nothing may be claimed from the sync that was not reported
  expect(collector.ofKind('operation_finished')).toMatchObject([{ in_flight: 1 }])
})

it('inside syncproof.sync it fills that mark’s evidence and makes no event of its own', async () => {
  const ats = await system((received, response, count) => {
    if (received.path === '/flaky' && count === 1) response.destroy()
    else json(response, received.path === '/flaky' ? 422 : 200, {}, { etag: '"7"' })
  })
  const record = { name: 'Ada', internal: true }
  const syncs = await syncsOf(async (fetch) => {
    await syncproof
      .sync('ats', record, async () => {
        await fetch(`${ats.url}/flaky`, put({ n: 1 })).catch(ignore)
        const response = await fetch(`${ats.url}/flaky`, put({ n: 1 }))
        throw Object.assign(new Error('no'), { status: response.status })
      })
      .catch(ignore)
    await syncproof.sync('ats', { ...record, name: 'Eve' }, () =>
      fetch(`${ats.url}/c1`, put({ n: 2 }, { headers: { 'idempotency-key': 'k2' } })),
    )
  })
  expect(syncs).toMatchObject([
    { outcome: 'unknown', status: 422, attempt: 2 },
    { outcome: 'ok', status: 200, attempt: 1, idempotency_key: 'k2', external_version: '"7"' },
  ])
  expect(Object.keys(syncs[0]?.fields ?? {})).toEqual(['name', 'internal'])
})

it('a client that swallows a refusal does not hide it from the mark', async () => {
  const ats = await system((_, response) => json(response, 422, {}))
  const syncs = await syncsOf(async (fetch) => {
    await syncproof.sync('ats', {}, async () => {
      await fetch(ats.url, put({}))
      return 'done'
    })
  })
  expect(syncs).toMatchObject([{ outcome: 'rejected', status: 422 }])
})

it('a record that a GET brings is a read of it; a listing is not', async () => {
  const ats = await system((received, response) => {
    if (received.path === '/candidates/c1') json(response, 200, { name: 'Ada' }, { etag: '"7"' })
    else json(response, received.path === '/gone/c1' ? 404 : 200, [{ name: 'Ada' }])
  })
  await syncsOf(async (fetch) => {
    const response = await fetch(`${ats.url}/candidates/c1`)
    expect(await response.json()).toEqual({ name: 'Ada' })
    await fetch(`${ats.url}/candidates?page=1`)
    await fetch(`${ats.url}/gone/c1`)
    await syncproof.sync('other', { name: 'Ada' }, ignore)
  })
  expect(collector.ofKind('sync')).toHaveLength(1)
  expect(collector.ofKind('read')).toMatchObject([
    {
      system: 'ats',
      found: true,
      fields: collector.ofKind('sync')[0]?.fields,
      version: 'etag/ats/candidate/c1/%227%22',
    },
    { system: 'ats', found: false, fields: {} },
  ])
})

it('only requests below the base address are the system’s', async () => {
  const ats = await system((_, response) => json(response, 200, {}))
  const syncs = await syncsOf(
    async (fetch) => {
      for (const path of ['/v1/c1', '/v10/c1', '/v1']) await fetch(`${ats.url}${path}`, put({ path }))
    },
    { baseUrl: `${ats.url}/v1/` },
  )
  expect(syncs).toHaveLength(2)
})

it('what was deleted below a record is not taken for the record', async () => {
  const ats = await system((_, response) => json(response, 200, {}))
  const syncs = await syncsOf(async (fetch) => {
    for (const path of ['/candidates/c1', '/candidates/c1/tags/3'])
      await fetch(`${ats.url}${path}`, { method: 'DELETE' })
    await fetch(`${ats.url}/candidates/c1/notes`, { method: 'POST', body: '{"a":1}' })
  })
  expect(syncs.map(({ action }) => action)).toEqual(['delete', 'update', 'update'])
})

it('a huge and a slow reply reach the app whole', async () => {
  const huge = { text: 'x'.repeat(1_000_000) }
  const ats = await system((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const text = JSON.stringify(huge)
    response.write(text.slice(0, 10))
    setTimeout(() => response.end(text.slice(10)), 30)
  })
  const [sync] = await syncsOf(
    async (fetch) => expect(await (await fetch(ats.url, put({}))).json()).toEqual(huge),
    { contract: { externalId: '$.text' } },
  )
  expect(sync).toMatchObject({ outcome: 'ok' })
  expect(sync?.external_id).toBeUndefined()
})

it('wrong options are an error in development, and one warning in production', async () => {
  const wrong = { system: 'ats', contract: { applied: [409], rejected: [409] } }
  expect(() => observeFetch(wrong)).toThrow('observeFetch: `contract` lists 409 twice')
  expect(() => observeFetch({ system: '' })).toThrow('`system` must name')
  vi.stubEnv('NODE_ENV', 'production')
  const ats = await system((_, response) => json(response, 200, {}))
  const fetch = observeFetch({ ...wrong, onWarning: (warning) => warnings.push(warning) })
  vi.unstubAllEnvs()
  expect((await fetch(ats.url)).status).toBe(200)
  expect(warnings).toMatchObject([{ code: 'invalid_options' }])
})
