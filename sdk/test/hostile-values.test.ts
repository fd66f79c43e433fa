import { expect, it, onTestFinished, vi } from 'vitest'
import { proxy } from '../src/external/proxy.ts'
import { EventQueue } from '../src/report/queue.ts'
import { recordedClient } from './recorded-client.ts'

async function start() {
  const { server, syncproof, warnings } = await recordedClient()
  const bytes = () => JSON.stringify(server.requests.map(({ batch }) => batch))
  return { server, syncproof, warnings, bytes }
}

const entity = () => ({ type: 'thing', id: 'a' })

it('methods that an HTTP client puts on its promise are still there, and the call is reported', async () => {
  const { server, syncproof } = await start()
  const client = {
    post: () => Object.assign(Promise.resolve({ status: 200 }), { json: async () => ({ id: 9 }) }),
  }
  const crm = proxy(client, {
    system: 'crm',
    methods: { post: { action: 'create' } },
  })
  const push = syncproof.wrap(async () => await crm.post().json(), { entity })
  expect(await push()).toEqual({ id: 9 })
  await syncproof.flush()
  expect(server.ofKind('sync').map(({ action, outcome }) => [action, outcome])).toEqual([['create', 'ok']])
})

it('a frozen thenable can be awaited, and its call ends', async () => {
  const { server, syncproof } = await start()
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tested
  const query = Object.freeze({ table: 'things', then: (done: (value: number) => void) => done(7) })
  const run = syncproof.wrap(() => query, { entity, name: 'run' })
  expect(run().table).toBe('things')
  expect(await run()).toBe(7)
  await syncproof.flush()
  expect(server.ofKind('operation_finished').map(({ outcome }) => outcome)).toEqual(['ok'])
})

const boom = (): never => {
  // `String` throws for it
  throw Object.create(null)
}

it.each([
  ['a Proxy of a Date', new Proxy(new Date(), {})],
  ['a Proxy of a Date that throws in `get`', new Proxy(new Date(), { get: boom })],
  ['a Date with a `getTime` that throws', Object.assign(new Date(), { getTime: boom })],
])('%s costs its field, and no event', async (_, when) => {
  const { server, syncproof } = await start()
  const record = { name: 'x', when }
  const work = syncproof.wrap(
    () => {
      syncproof.read('db', () => record)
      syncproof.write('db', record, () => record)
      return syncproof.sync('crm', record, () => 1)
    },
    { entity, name: 'work' },
  )
  expect(work()).toBe(1)
  expect(await syncproof.flush()).toEqual({ sent: 5, dropped: 0, pending: 0 })
  expect(server.ofKind('sync').map(({ fields }) => fields.when)).toEqual(['!'])
  expect(server.ofKind('operation_finished').map(({ in_flight }) => in_flight)).toEqual([undefined])
})

it('what a fault of ours was thrown with never reaches the app', async () => {
  const { syncproof, warnings } = await start()
  const options = new Proxy({}, { get: boom })
  const work = syncproof.wrap(() => syncproof.read('db', () => 1, options), { entity, name: 'work' })
  expect(work()).toBe(1)
  expect(warnings.map(({ code }) => code)).toEqual(['internal'])
})

it('a record that is thrown leaves nothing of its values in the event', async () => {
  const { server, syncproof, bytes } = await start()
  const record = { name: 'Lovelace', code: 'canary-code', status: 'canary-status' }
  const work = syncproof.wrap(
    () => {
      throw record
    },
    { entity, name: 'work' },
  )
  expect(work).toThrow(expect.objectContaining(record))
  const failing = syncproof.wrap(
    () => {
      throw Object.assign(new RangeError('canary'), { code: 'E_RANGE', status: 409 })
    },
    { entity, name: 'failing' },
  )
  expect(failing).toThrow('canary')
  await syncproof.flush()
  expect(server.ofKind('operation_finished').map(({ error }) => error)).toEqual([
    { type: 'Error', message: '' },
    { type: 'RangeError', message: 'code E_RANGE, status 409' },
  ])
  expect(bytes()).not.toMatch(/Lovelace|canary/)
})

it('nothing but what an event takes is sent of `syncs`, and nothing of Object.prototype', async () => {
  const { syncproof, bytes } = await start()
  // biome-ignore lint/suspicious/noSparseArray: what an app may hand over
  const syncs = [{ system: 'crm', secret: 'canary' }, , 'ats'] as unknown as { system: string }[]
  const prototype = Object.prototype as { polluted?: string }
  prototype.polluted = 'canary'
  try {
    syncproof.wrap(() => syncproof.read('db', () => ({ a: 1 })), { entity, name: 'work', syncs })()
    await syncproof.flush()
  } finally {
    delete prototype.polluted
  }
  // parsed by the server: one hole would make the whole batch none
  expect(bytes()).toContain('"syncs":[{"system":"crm"},{"system":"ats"}]')
  expect(bytes()).not.toContain('canary')
})

it('one system where a list is asked for is a list of it', async () => {
  const { server, syncproof } = await start()
  const syncs = 'crm' as never
  syncproof.wrap(() => 1, { entity, name: 'work', syncs })()
  await syncproof.flush()
  expect(server.ofKind('operation_started').map((event) => event.syncs)).toEqual([[{ system: 'crm' }]])
})

it('a full queue makes no page for what it refuses', () => {
  const line = 'x'.repeat(600)
  const pages = vi.spyOn(Buffer, 'allocUnsafeSlow')
  onTestFinished(() => pages.mockRestore())
  // where the bound lies within the page decides: try all places
  for (let bytesMax = 150_000; bytesMax < 300_000; bytesMax += 101) {
    const queue = new EventQueue(bytesMax)
    let seq = 0
    while (queue.push(line, seq)) seq += 1
    pages.mockClear()
    queue.push(line, seq)
    expect(pages).not.toHaveBeenCalled()
  }
})

it('a hole in a list costs the list an item, and no batch its JSON', async () => {
  const { server, syncproof } = await start()
  const holed = ['ats', undefined, 'crm'] as never
  await syncproof.wrap(async () => 1, { entity, syncs: holed, name: 'holed' })()
  // as an app in plain JavaScript may call it
  expect(
    await (syncproof.wrap as (fn: () => Promise<number>) => () => Promise<number>)(async () => 2)(),
  ).toBe(2)
  await syncproof.flush()
  expect(server.ofKind('operation_started').map(({ syncs }) => syncs)).toEqual([
    [{ system: 'ats' }, { system: 'crm' }],
  ])
})
