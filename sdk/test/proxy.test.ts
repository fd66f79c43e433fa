import { afterEach, beforeEach, expect, expectTypeOf, it, vi } from 'vitest'
import { observeFetch } from '../src/external/observe-fetch.ts'
import { proxy } from '../src/external/proxy.ts'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { httpSystem, json } from './http-system.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

let collector: RecordingServer
let syncproof: Syncproof

beforeEach(async () => {
  collector = await recordingServer()
  syncproof = createSyncproof({
    service: 'test',
    url: collector.url,
    fingerprintKey: 'k',
    onWarning: () => undefined,
  })
})
afterEach(async () => {
  await syncproof.shutdown()
  await collector.close()
})

async function syncsOf(body: () => unknown) {
  const run = syncproof.wrap(async (_id: string) => body(), { entity: (id) => ({ type: 'candidate', id }) })
  await run('c1')
  await syncproof.flush()
  return collector.ofKind('sync')
}

interface Candidate {
  readonly name: string
}

class AtsClient {
  static readonly version = 3
  #calls = 0
  token = 'a'

  get calls(): number {
    return this.#calls
  }
  set calls(count: number) {
    this.#calls = count
  }
  async updateCandidate(id: string, _candidate: Candidate): Promise<{ id: string; self: boolean }> {
    this.#calls += 1
    return { id, self: this instanceof AtsClient }
  }
  async removeCandidate(_id: string): Promise<void> {
    this.#calls += 1
    throw Object.assign(new Error('gone'), { status: 404 })
  }
  describe(): string {
    return `${this.#calls} calls with ${this.token}`
  }
}

const methods = {
  updateCandidate: {
    action: 'update',
    entity: (id: string) => id,
    payload: (_id: string, candidate: Candidate) => candidate,
    externalId: (result: { id: string }) => `ats-${result.id}`,
  },
  removeCandidate: { action: 'delete' },
} as const

it('a listed method is a sync, and the client works as before with its private fields', async () => {
  const client = new AtsClient()
  const ats = proxy(client, { system: 'ats', methods })
  expectTypeOf(ats).toEqualTypeOf<AtsClient>()
  const syncs = await syncsOf(async () => {
    expect(await ats.updateCandidate('c2', { name: 'Ada' })).toEqual({ id: 'c2', self: true })
    await expect(ats.removeCandidate('c1')).rejects.toThrow('gone')
    syncproof.sync('other', { name: 'Ada' }, () => undefined, { entity: { type: 'candidate', id: 'c2' } })
  })
  expect(syncs).toMatchObject([
    {
      system: 'ats',
      entity: { type: 'candidate', id: 'c2' },
      action: 'update',
      outcome: 'ok',
      external_id: 'ats-c2',
    },
    {
      system: 'ats',
      entity: { type: 'candidate', id: 'c1' },
      action: 'delete',
      outcome: 'unknown',
      status: 404,
    },
    { system: 'other' },
  ])
  expect(syncs[0]?.fields).toEqual(syncs[2]?.fields)
  expect(ats.describe()).toBe('2 calls with a')
  ats.token = 'b'
  ats.calls = 9
  expect([client.token, client.calls, ats.calls, ats.describe()]).toEqual(['b', 9, 9, '9 calls with b'])
  expect(ats).toBeInstanceOf(AtsClient)
  expect(ats.constructor).toBe(AtsClient)
  expect(ats.updateCandidate).toBe(ats.updateCandidate)
  expect([ats.updateCandidate.name, ats.updateCandidate.length]).toEqual(['updateCandidate', 2])
})

it('outside a wrapped call it only calls through', async () => {
  const entity = vi.fn((id: string) => id)
  const ats = proxy(new AtsClient(), {
    system: 'ats',
    methods: { updateCandidate: { action: 'update', entity } },
  })
  await ats.updateCandidate('c1', { name: 'Ada' })
  await syncproof.flush()
  expect(entity).not.toHaveBeenCalled()
  expect(collector.events()).toEqual([])
})

it('clients within a client are observed, those in frozen objects and callable ones too', async () => {
  const basicApi = { update: async (id: string, _body: { properties: object }) => ({ id }) }
  const hubspot = Object.freeze({ crm: Object.freeze({ contacts: { basicApi } }) })
  const update = {
    action: 'update' as const,
    payload: (_id: string, body: { properties: object }) => body.properties,
  }
  const observed = proxy(hubspot, {
    system: 'hubspot',
    methods: { crm: { contacts: { basicApi: { update } } } },
  })
  const axios = Object.freeze(
    Object.assign((url: string) => `got ${url}`, { put: async (_url: string, _body: object) => ({}) }),
  )
  const http = proxy(axios, {
    system: 'ats',
    methods: { put: { action: 'upsert', payload: (_url, body) => body } },
  })
  const syncs = await syncsOf(async () => {
    expect(await observed.crm.contacts.basicApi.update('7', { properties: { name: 'Ada' } })).toEqual({
      id: '7',
    })
    await http.put('/c1', { email: 'x' })
    expect(http('/c1')).toBe('got /c1')
  })
  expect(syncs.map(({ system, fields }) => [system, Object.keys(fields)])).toEqual([
    ['hubspot', ['name']],
    ['ats', ['email']],
  ])
  expect(Object.keys(observed)).toEqual(['crm'])
})

it('what its options throw costs the event, never the call', async () => {
  const payload = () => {
    throw new Error('no')
  }
  const ats = proxy(new AtsClient(), {
    system: 'ats',
    methods: { updateCandidate: { action: 'update', payload } },
  })
  expect(
    await syncsOf(async () =>
      expect(await ats.updateCandidate('c1', { name: 'Ada' })).toMatchObject({ id: 'c1' }),
    ),
  ).toEqual([])
})

it('a system’s contract says what its errors mean, but not after a try without an answer', async () => {
  const errors = ['RATE_LIMITED', undefined, 'RATE_LIMITED']
  const client = {
    push: async (_n: number) => Promise.reject(Object.assign(new Error('x'), { code: errors.shift() })),
  }
  const ats = proxy(client, {
    system: 'ats',
    contract: { rejected: ['RATE_LIMITED'] },
    methods: { push: { action: 'update', payload: (n) => ({ n: n > 1 ? 1 : 0 }) } },
  })
  const syncs = await syncsOf(async () => {
    for (const n of [1, 2, 2]) await ats.push(n).catch(() => undefined)
  })
  expect(syncs.map(({ outcome, attempt }) => [outcome, attempt])).toEqual([
    ['rejected', 1],
    ['unknown', 1],
    ['unknown', 2],
  ])
})

it('a fetch below a client brings the evidence of the client’s call', async () => {
  const system = await httpSystem((_, response, count) =>
    json(response, count === 1 ? 503 : 200, {}, { etag: '"3"' }),
  )
  const fetch = observeFetch({ system: 'ats' })
  const client = {
    async update(_id: string) {
      const init = { method: 'PUT', body: '{"wire":1}', headers: { 'idempotency-key': 'k-7' } }
      if (!(await fetch(system.url, init)).ok) await fetch(system.url, init)
    },
  }
  const ats = proxy(client, {
    system: 'ats',
    methods: { update: { action: 'update', payload: (id) => ({ id }) } },
  })
  const syncs = await syncsOf(() => ats.update('c1'))
  expect(syncs).toMatchObject([
    { outcome: 'ok', status: 200, attempt: 2, external_version: '"3"', idempotency_key: 'k-7' },
  ])
  expect(Object.keys(syncs[0]?.fields ?? {})).toEqual(['id'])
  await system.close()
})

it('wrong options are an error in development', () => {
  expect(() => proxy({}, { system: '', methods: {} })).toThrow('proxy: `system` must name')
})
