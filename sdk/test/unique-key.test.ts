import { expect, it } from 'vitest'
import { type FetchOptions, observeFetch } from '../src/external/observe-fetch.ts'
import { proxy, type UniqueKey } from '../src/external/proxy.ts'
import { externalOperation } from './external-operation.ts'
import { json } from './http-system.ts'

const { collector, syncproof, syncsOf, system } = externalOperation()

async function ats(options: Partial<FetchOptions>) {
  const { url } = await system((_, response, count) => json(response, 201, { id: count }))
  const fetch = observeFetch({ system: 'ats', contract: { externalId: '$.id' }, ...options })
  return async (record: unknown) => {
    const response = await fetch(`${url}/candidates`, { method: 'POST', body: JSON.stringify(record) })
    await response.json()
  }
}

/** Creates each record in an operation about a candidate of its own. */
async function keysOf(create: (record: unknown) => unknown, records: readonly unknown[]) {
  for (const [n, record] of records.entries()) await syncsOf(() => create(record), `c${n}`)
  return collector()
    .ofKind('sync')
    .map((sync) => sync.unique_key)
}

const secret = 'ada@example.com'

it('creates of two records with one key have one fingerprint, and the key stays in the process', async () => {
  const create = await ats({ uniqueKey: 'email' })
  const [first, second, other] = await keysOf(create, [
    { email: secret, name: 'Ada' },
    { email: secret, name: 'Ada King' },
    { email: 'eve@example.com', name: 'Eve' },
  ])
  expect(first).toEqual(expect.any(String))
  expect(second).toBe(first)
  expect(other).toEqual(expect.any(String))
  expect(other).not.toBe(first)
  const [sync] = collector().ofKind('sync')
  expect(sync).toMatchObject({ action: 'create', outcome: 'ok', external_id: '1' })
  // not that of the field, which tells whose it is
  expect(first).not.toBe(sync?.fields.email)
  expect(JSON.stringify(collector().requests)).not.toContain(secret)
})

it('the same value is another key in another system, and for another kind of record', async () => {
  const keys: unknown[] = []
  for (const options of [{ system: 'ats' }, { system: 'crm' }, { entity: () => ({ type: 'job', id: '1' }) }])
    keys.push((await keysOf(await ats({ uniqueKey: 'email', ...options }), [{ email: secret }])).at(-1))
  expect(keys.every((key) => typeof key === 'string')).toBe(true)
  expect(new Set(keys).size).toBe(3)
})

it.each<[string, UniqueKey]>([
  ['a field', 'email'],
  ['a list of one field', ['email']],
  ['a function of the record', ({ email }: { email: string }) => email],
])('a key is the same, however it is named: by %s', async (_, uniqueKey) => {
  const [plain] = await keysOf(await ats({ uniqueKey: 'email' }), [{ email: secret }])
  const keys = await keysOf(await ats({ uniqueKey }), [{ email: secret }])
  expect(keys.at(-1)).toBe(plain)
  expect(plain).toEqual(expect.any(String))
})

it('the parts of a key do not run into each other', async () => {
  const create = await ats({ uniqueKey: ['tenant', 'name'] })
  const keys = await keysOf(create, [
    { tenant: 'a', name: 'bc' },
    { tenant: 'ab', name: 'c' },
    { tenant: 'bc', name: 'a' },
    { tenant: 'a', name: 'bc', more: 1 },
  ])
  expect(new Set(keys).size).toBe(3)
  expect(keys[3]).toBe(keys[0])
  expect(keys[0]).toEqual(expect.any(String))
})

it('a record without the key has none, and its sync is reported all the same', async () => {
  const create = await ats({ uniqueKey: ({ email }: { email: string }) => email.toLowerCase() })
  expect(await keysOf(create, [{ name: 'Ada' }, { email: null }, { email: '' }])).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

it('it is read from the record in the body', async () => {
  const record = (body: { properties: object }) => body.properties
  const [wrapped] = await keysOf(await ats({ uniqueKey: 'email', record }), [
    { properties: { email: secret } },
  ])
  const keys = await keysOf(await ats({ uniqueKey: 'email' }), [{ email: secret }])
  expect(keys.at(-1)).toBe(wrapped)
  expect(wrapped).toEqual(expect.any(String))
})

it('the request inside a mark tells it, where the mark does not', async () => {
  const create = await ats({ uniqueKey: 'email' })
  const [plain] = await keysOf(create, [{ email: secret }])
  const marked = (record: unknown) =>
    syncproof().sync('ats', { name: 'of the mark' }, () => create(record), { action: 'create' })
  expect((await keysOf(marked, [{ email: secret }])).at(-1)).toBe(plain)
  expect(plain).toEqual(expect.any(String))
})

it('a proxy has one for its system, and a method may have another', async () => {
  const [byFetch] = await keysOf(await ats({ uniqueKey: 'email' }), [{ email: secret }])
  const client = {
    create: async (record: object) => ({ id: 7, record }),
    createAll: async (_tenant: string, record: object) => ({ id: 8, record }),
    remove: async (_id: string) => ({}),
  }
  const create = { action: 'create', payload: (record: object) => record } as const
  const observed = proxy(client, {
    system: 'ats',
    uniqueKey: 'email',
    methods: {
      create,
      createAll: { ...create, payload: (_tenant, record) => record, uniqueKey: ['email', 'name'] },
      remove: { action: 'delete' },
    },
  })
  const record = { email: secret, name: 'Ada' }
  const keys = await keysOf(
    (method) =>
      method === 'all'
        ? observed.createAll('t', record)
        : method === 'one'
          ? observed.create(record)
          : observed.remove('c1'),
    ['one', 'all', 'none'],
  )
  const [one, all, none] = keys.slice(-3)
  expect(byFetch).toEqual(expect.any(String))
  expect(one).toBe(byFetch)
  expect(all).toEqual(expect.any(String))
  expect(all).not.toBe(one)
  expect(none).toBeUndefined()
})

it('wrong options are an error in development', () => {
  const fault = '`uniqueKey` must be a field, a list of fields, or a function of the record'
  expect(() => observeFetch({ system: 'ats', uniqueKey: [] })).toThrow(`observeFetch: ${fault}`)
  expect(() => proxy({}, { system: 'ats', methods: {}, uniqueKey: '' })).toThrow(`proxy: ${fault}`)
})
