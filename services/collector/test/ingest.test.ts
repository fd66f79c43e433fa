import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eachEngine } from '../../../tools/testing/stores.ts'
import { gzipBomb, type Json, makeBatch, makeEvent, nested, uuidV7 } from './make-batch.ts'
import { type OpenedCollector, openCollector, problemOf } from './open-collector.ts'

eachEngine('ingest', (openStore) => {
  let collector: OpenedCollector
  let key: string

  beforeAll(async () => {
    collector = await openCollector(openStore)
    key = await collector.key('default', 'ingest')
  })
  afterAll(() => collector.close())

  const post = (payload: string | Buffer, headers: Record<string, string> = {}) =>
    collector.send(key, {
      method: 'POST',
      url: '/v1/events',
      payload,
      headers: { 'content-type': 'application/json', ...headers },
    })
  const send = (batch: unknown) => post(JSON.stringify(batch))

  /** Ids of what is stored of an entity. */
  async function storedIds(id: string, project = 'default'): Promise<unknown[]> {
    const page = await collector.store.events.timeline(project, { type: 'candidate', id }, { limit: 500 })
    return page.items.map((event) => event.id)
  }

  test('an event that was accepted can be read back as it was sent, with its process', async () => {
    const entity = { type: 'candidate', id: randomUUID() }
    const event = makeEvent({ entity, later_member: { deep: [1, 2] } })
    const batch = makeBatch([event])
    const response = await send(batch)
    expect(response.statusCode).toBe(202)
    expect(response.json()).toEqual({ accepted: 1, duplicates: 0, rejected: [] })
    const page = await collector.store.events.timeline('default', entity, { limit: 10 })
    expect(page.items).toEqual([{ ...event, process_id: (batch.process as Json).id }])
  })

  test('a batch may be sent any number of times and is stored once', async () => {
    const id = randomUUID()
    const batch = makeBatch([makeEvent({ entity: { type: 'candidate', id } }), makeEvent()])
    expect((await send(batch)).json()).toMatchObject({ accepted: 2, duplicates: 0 })
    const again = await Promise.all([send(batch), send(batch), send(batch)])
    for (const response of again) {
      expect(response.statusCode).toBe(202)
      expect(response.json()).toEqual({ accepted: 0, duplicates: 2, rejected: [] })
    }
    expect(await storedIds(id)).toHaveLength(1)
  })

  test('an empty batch is a heartbeat: its process is listed with its books', async () => {
    const process = { id: randomUUID(), service: 'quiet', books: { produced: 9, dropped: { queue_full: 4 } } }
    expect((await send({ contract: 1, process, events: [] })).statusCode).toBe(202)
    const { items } = await collector.store.processes.list('default', { limit: 500 })
    expect(items.find(({ id }) => id === process.id)).toMatchObject({
      produced: 9,
      dropped: { queue_full: 4 },
    })
  })

  test('every answer tells the time in milliseconds, so that a sender can know how far its clock is off', async () => {
    for (const body of [makeBatch([makeEvent()]), makeBatch([null]), null]) {
      const sentMs = Date.now()
      const told = Number((await send(body)).headers['syncproof-time'])
      expect(told).toBeGreaterThanOrEqual(sentMs)
      expect(told).toBeLessThanOrEqual(Date.now())
    }
  })

  test('an event of a kind that nobody knows yet is kept', async () => {
    const id = randomUUID()
    const event = makeEvent({ kind: 'lease_renewed', entity: { type: 'candidate', id } })
    expect((await send(makeBatch([event]))).json()).toMatchObject({ accepted: 1 })
    expect(await storedIds(id)).toEqual([event.id])
  })

  test.each<[string, string, string, RegExp]>([
    ['a wrong type', '"name":7', 'invalid_event', /^\/events\/1\/name$/],
    ['a NUL in a string', '"name":"a\\u0000b"', 'invalid_event', /^\/events\/1\/name$/],
    ['a lone surrogate', '"name":"\\ud83d"', 'invalid_event', /^\/events\/1\/name$/],
    ['depth 10,000', `"x":${nested(10_000)}`, 'invalid_event', /^\/events\/1\/x(\/0)*$/],
    ['a number past 2^53', '"seq":9007199254740993', 'invalid_event', /^\/events\/1\/seq$/],
    ['a number that overflows', '"monotonic_us":1e999', 'invalid_event', /^\/events\/1\/monotonic_us$/],
    ['__proto__', '"__proto__":{"polluted":true}', 'invalid_event', /^\/events\/1$/],
    [
      'constructor.prototype',
      '"constructor":{"prototype":{"polluted":true}}',
      'invalid_event',
      /^\/events\/1$/,
    ],
    ['an offset that no place has', '"at":"2026-11-20T00:00:00+23:00"', 'invalid_event', /^\/events\/1\/at$/],
    [
      'an id from the future',
      `"id":"${uuidV7(Date.now() + 7_200_000)}"`,
      'event_time_out_of_range',
      /^\/events\/1\/id$/,
    ],
    ['an id from 1970', `"id":"${uuidV7(1_000)}"`, 'event_time_out_of_range', /^\/events\/1\/id$/],
  ])('%s costs its own event and none of its neighbours', async (_, member, code, pointer) => {
    const id = randomUUID()
    const entity = { type: 'candidate', id }
    const neighbours = [makeEvent({ entity }), makeEvent({ entity })]
    const [before, after] = neighbours.map((event) => JSON.stringify(event))
    // the bad member comes last and wins over an earlier one of the same name
    const bad = `${JSON.stringify(makeEvent()).slice(0, -1)},${member}}`
    const batch = JSON.stringify(makeBatch([])).replace('"events":[]', `"events":[${before},${bad},${after}]`)
    const response = await post(batch)
    expect(response.statusCode).toBe(202)
    const receipt = response.json<{ rejected: Json[] }>()
    expect(receipt).toMatchObject({ accepted: 2, duplicates: 0, rejected: [{ index: 1, code }] })
    expect(receipt.rejected[0]?.pointer).toMatch(pointer)
    expect(await storedIds(id)).toEqual(
      neighbours
        .map((event) => event.id)
        .sort()
        .reverse(),
    )
    expect(({} as Json).polluted).toBeUndefined()
  })

  test('a batch without one good event is 422 and says of each what is wrong', async () => {
    const response = await send(makeBatch([null, makeEvent({ seq: -1 })]))
    expect(response.statusCode).toBe(422)
    expect(problemOf(response)).toMatchObject({
      code: 'no_valid_event',
      rejected: [
        { index: 0, code: 'invalid_event', pointer: '/events/0' },
        { index: 1, code: 'invalid_event', pointer: '/events/1/seq' },
      ],
    })
  })

  test.each<[string, string, number, string, string | undefined]>([
    ['no body', '', 400, 'malformed_json', undefined],
    ['half a body', '{"contract":1,', 400, 'malformed_json', undefined],
    ['text that is not JSON', 'contract=1', 400, 'malformed_json', undefined],
    ['an array', '[]', 400, 'invalid_request', ''],
    ['depth 10,000', nested(10_000), 400, 'invalid_request', ''],
    [
      'depth 1,000,000 beside the events',
      `{"contract":1,"x":${nested(1_000_000)}}`,
      400,
      'invalid_request',
      undefined,
    ],
    ['__proto__', '{"__proto__":{"contract":1}}', 400, 'invalid_request', ''],
    [
      'a contract of the future',
      JSON.stringify(makeBatch([], { contract: 2 })),
      422,
      'unsupported_contract',
      '/contract',
    ],
    ['no process', '{"contract":1,"events":[]}', 400, 'invalid_request', '/process'],
    ['2,001 events', JSON.stringify(makeBatch(Array(2_001).fill(1))), 413, 'body_too_large', '/events'],
  ])('an envelope with %s is a problem with code and pointer', async (_, body, status, code, pointer) => {
    const response = await post(body)
    expect(response.statusCode).toBe(status)
    const problem = problemOf(response)
    expect(problem.code).toBe(code)
    if (pointer !== undefined) expect(String(problem.pointer).replace(/(\/0)+$/, '')).toBe(pointer)
  })

  test('gzip is read as plain JSON is', async () => {
    const batch = makeBatch([makeEvent()])
    const response = await post(gzipSync(JSON.stringify(batch)), { 'content-encoding': 'gzip' })
    expect(response.json()).toMatchObject({ accepted: 1 })
    expect((await send(batch)).json()).toMatchObject({ duplicates: 1 })
  })

  test.each<[string, () => Buffer, Record<string, string>, number, string]>([
    [
      'truncated gzip',
      () => gzipSync('{"contract":1}').subarray(0, -9),
      { 'content-encoding': 'gzip' },
      400,
      'invalid_encoding',
    ],
    [
      'gzip that is none',
      () => Buffer.from('{"contract":1}'),
      { 'content-encoding': 'gzip' },
      400,
      'invalid_encoding',
    ],
    [
      'gzip with more behind it',
      () => Buffer.concat([gzipSync('{}'), Buffer.from('x')]),
      { 'content-encoding': 'gzip' },
      400,
      'invalid_encoding',
    ],
    ['a gzip bomb', () => gzipBomb(512), { 'content-encoding': 'gzip' }, 413, 'body_too_large'],
    ['4 MiB and a byte', () => Buffer.alloc(4 * 1024 * 1024 + 1, ' '), {}, 413, 'body_too_large'],
    ['brotli', () => Buffer.from('x'), { 'content-encoding': 'br' }, 415, 'unsupported_media_type'],
    ['bytes that are not UTF-8', () => Buffer.from('{"a":"\xff"}', 'latin1'), {}, 400, 'invalid_encoding'],
    [
      'UTF-16',
      () => Buffer.from('{}', 'utf16le'),
      { 'content-type': 'application/json; charset=utf-16' },
      415,
      'unsupported_media_type',
    ],
    ['text/plain', () => Buffer.from('{}'), { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
  ])('%s is a problem', async (_, body, headers, status, code) => {
    const response = await post(body(), headers)
    expect(response.statusCode).toBe(status)
    expect(problemOf(response).code).toBe(code)
    if (code === 'invalid_encoding')
      expect(problemOf(response).detail).toContain(headers['content-encoding'] ? 'gzip' : 'UTF-8')
  })

  test('the project comes from the key: one project never sees, or clashes with, the events of another', async () => {
    const other = await collector.key('other', 'ingest')
    const id = randomUUID()
    const batch = makeBatch([makeEvent({ entity: { type: 'candidate', id } })], {
      project_id: 'default',
      project: 'default',
    })
    const request = { method: 'POST', url: '/v1/events', payload: batch } as const
    expect((await collector.send(other, request)).json()).toMatchObject({ accepted: 1 })
    expect(await storedIds(id)).toEqual([])
    expect(await storedIds(id, 'other')).toHaveLength(1)
    expect((await collector.send(key, request)).json()).toMatchObject({ accepted: 1, duplicates: 0 })
  })
})
