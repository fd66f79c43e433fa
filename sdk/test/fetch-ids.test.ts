import { expect, it } from 'vitest'
import { type FetchOptions, observeFetch } from '../src/external/observe-fetch.ts'
import { externalOperation } from './external-operation.ts'
import { json } from './http-system.ts'

const { collector, syncproof, syncsOf, system } = externalOperation()

interface Reply {
  readonly status?: number
  readonly body?: unknown
  /** In place of `body`. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The sync that a request makes which is answered so. */
async function answered(reply: Reply, contract: FetchOptions['contract'] = {}, path = '/candidates') {
  const { status = 201, body = {}, text = JSON.stringify(body), headers = {} } = reply
  const { url } = await system((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text)
  })
  const fetch = observeFetch({ system: 'ats', contract })
  const syncs = await syncsOf(async () => {
    const response = await fetch(`${url}${path}`, { method: 'POST', body: '{"name":"Ada"}' })
    await response.text()
  })
  return syncs.at(-1)
}

it.each([
  ['"7"', '"7"'],
  ['W/"7"', '"7"'],
  ['"a b"', '"a b"'],
  ['W/""', '""'],
])('an ETag is a version of which only a change can be told, weak or strong: %s', async (etag, version) => {
  const sync = await answered({ headers: { etag } })
  expect([sync?.external_version, sync?.external_ordered]).toEqual([version, undefined])
})

it('the version that a GET brings is the one that the PUT before it was answered, compressed or not', async () => {
  const { url } = await system(({ method }, response) =>
    json(response, 200, { name: 'Ada' }, { etag: method === 'GET' ? 'W/"7"' : '"7"' }),
  )
  const fetch = observeFetch({ system: 'ats' })
  const [sync] = await syncsOf(async () => {
    await fetch(`${url}/c1`, { method: 'PUT', body: '{"name":"Ada"}' })
    await (await fetch(`${url}/c1`)).json()
  })
  expect(sync?.external_version).toBe('"7"')
  expect(collector().ofKind('read')).toMatchObject([{ version: 'etag/ats/candidate/c1/%227%22' }])
})

it('without an ETag, Last-Modified is the version', async () => {
  const modified = 'Wed, 25 Nov 2026 18:00:00 GMT'
  expect(await answered({ headers: { 'last-modified': modified } })).toMatchObject({
    external_version: modified,
  })
})

it.each([
  ['etag', { headers: { etag: 'W/"0042"' } }, '42'],
  ['ETag', { headers: { etag: '"42"' } }, '42'],
  ['x-revision', { headers: { 'x-revision': '9007199254740993' } }, '9007199254740993'],
  ['$.meta.revision', { body: { meta: { revision: '9007199254740993' } } }, '9007199254740993'],
  ['$.revision', { body: { revision: 42 } }, '42'],
])('revisions that the system declares to grow are ordered: %s', async (ordered, reply, version) => {
  expect(await answered(reply, { ordered })).toMatchObject({
    external_version: version,
    external_ordered: true,
  })
})

it.each<[string, string, Reply]>([
  ['a hash', 'etag', { headers: { etag: '"9f86d0"' } }],
  ['a number that JSON has rounded', '$.revision', { text: '{"revision":9007199254740993}' }],
  ['a fraction', '$.revision', { body: { revision: 4.5 } }],
  ['a negative number', '$.revision', { body: { revision: -4 } }],
  ['nothing', '$.revision', { body: {} }],
])('what is no whole number is never taken for an ordered revision: %s', async (_, ordered, reply) => {
  expect((await answered(reply, { ordered }))?.external_ordered).toBeUndefined()
})

it.each([
  ['/candidates/78', '78'],
  ['/candidates/78/', '78'],
  ['78', '78'],
  ['https://elsewhere.example/v1/candidates/a%2F9', 'a/9'],
  ['/candidates/%zz', '%zz'],
])('the Location of a 201 names the record that was made: %s', async (location, id) => {
  expect((await answered({ headers: { location } }, {}, '/candidates/'))?.external_id).toBe(id)
})

it.each<[string, Reply]>([
  ['a search', { headers: { location: '/candidates?created=78' } }],
  ['what was posted to', { headers: { location: '/candidates/' } }],
  ['no address', { headers: { location: 'http://[' } }],
  ['the root', { headers: { location: '/' } }],
  ['a job, of a 200', { status: 200, headers: { location: '/jobs/78' } }],
  ['a job, of a 202', { status: 202, headers: { location: '/jobs/78' } }],
])('a Location is not taken for a record’s where it is %s', async (_, reply) => {
  expect((await answered(reply))?.external_id).toBeUndefined()
})

it.each<[string, unknown, string | undefined]>([
  ['$.id', { id: 'a-78' }, 'a-78'],
  ['$.id', { id: 78 }, '78'],
  ['$.data.0.id', { data: [{ id: 78 }] }, '78'],
  ['$.0.id', [{ id: 78 }], '78'],
])('the id is read where the contract says that the reply has it: %s of %j', async (externalId, body, id) => {
  expect((await answered({ body }, { externalId }))?.external_id).toBe(id)
})

it.each<[string, string, Reply]>([
  ['a list of ids', '$.ids', { body: { ids: [78, 79] } }],
  ['a list of records', '$.id', { body: [{ id: 78 }, { id: 79 }] }],
  ['a number that JSON has rounded', '$.id', { text: '{"id":9007199254740993}' }],
  ['null', '$.id', { body: { id: null } }],
  ['an object', '$.id', { body: { id: { value: 78 } } }],
  ['an empty text', '$.id', { body: { id: '' } }],
  ['a member that every object has', '$.constructor', { body: {} }],
  ['text that only looks like JSON', '$.id', { text: '{"id":78' }],
])('an event names one record: %s is no id', async (_, externalId, reply) => {
  expect((await answered(reply, { externalId }))?.external_id).toBeUndefined()
})

it.each<[string, RequestInit['headers']]>([
  ['an object', { 'Idempotency-Key': 'key-1' }],
  ['pairs', [['idempotency-key', 'key-1']]],
  ['Headers', new Headers({ 'IDEMPOTENCY-KEY': 'key-1' })],
])('an Idempotency-Key is read from %s, and of a Request', async (_, headers = {}) => {
  const { url } = await system((_received, response) => json(response, 200, {}))
  const fetch = observeFetch({ system: 'ats' })
  const init: RequestInit = { method: 'POST', headers, body: '{}' }
  const syncs = await syncsOf(async () => {
    await fetch(url, init)
    await fetch(new Request(url, init))
    // what the call says stands in place of all that its Request says
    await fetch(new Request(url, init), { headers: { 'idempotency-key': 'key-2' } })
    await syncproof().sync('ats', {}, () => fetch(url, init))
  })
  expect(syncs.map((sync) => sync.idempotency_key)).toEqual(['key-1', 'key-1', 'key-2', 'key-1'])
  expect(syncs.map((sync) => sync.attempt).slice(0, 2)).toEqual([1, 2])
})
