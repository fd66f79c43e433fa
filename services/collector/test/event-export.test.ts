import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { DumpLine, ProcessReport } from '@syncproof/core/contract'
import type { DumpStore } from '@syncproof/store'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { eachEngine, engines } from '../../../tools/testing/stores.ts'
import { type Json, makeEvent, uuidV7 } from './make-batch.ts'
import { type OpenedCollector, openCollector, problemOf } from './open-collector.ts'

const linesOf = (text: string): DumpLine[] =>
  text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as DumpLine]))

type Kind<T extends DumpLine['type']> = Extract<DumpLine, { type: T }>
const of = <T extends DumpLine['type']>(lines: readonly DumpLine[], type: T) =>
  lines.filter((line): line is Kind<T> => line.type === type)

eachEngine('events out', (openStore) => {
  let collector: OpenedCollector
  beforeAll(async () => {
    collector = await openCollector(openStore)
  })
  afterAll(() => collector.close())

  /** A project of its own, with a key that may read. */
  async function project() {
    const name = `p-${randomUUID()}`
    const key = await collector.key(name, 'read')
    const exported = async (query = '') => {
      const response = await collector.send(key, { method: 'GET', url: `/v1/events${query}` })
      expect(response.statusCode, response.body).toBe(200)
      expect(response.headers['content-type']).toMatch(/^application\/x-ndjson/)
      return linesOf(response.body)
    }
    const append = async (process: ProcessReport, events: readonly Json[]) => {
      for (let from = 0; from < events.length; from += 1_000)
        await collector.store.events.append(name, process, events.slice(from, from + 1_000) as never)
    }
    return { name, key, exported, append }
  }
  const process = (): ProcessReport => ({
    id: randomUUID(),
    service: 's',
    release: 'r1',
    books: { produced: 3, dropped: { sampled: 1 } },
  })
  const events = (count: number, changes: Json = {}) =>
    Array.from({ length: count }, (_, n) =>
      makeEvent({ id: uuidV7(Date.now() - count + n), seq: n, ...changes }),
    )

  test('every event comes out once, as it was sent, after its process, and the last line says so', async () => {
    const { exported, append } = await project()
    const [a, b] = [process(), process()]
    const [of1, of2] = [events(1_100, { later_member: { deep: [1] } }), events(3)]
    await append(a, of1)
    await append(b, of2)
    const lines = await exported()
    expect(lines[0]).toMatchObject({ type: 'export', version: 1, contract: 1, filter: {} })
    expect(lines.at(-1)).toEqual({ type: 'end', events: 1_103 })
    const told = of(lines, 'event')
    expect(told.map(({ event }) => event.id)).toEqual([...of1, ...of2].map(({ id }) => id).sort())
    const byId = new Map(told.map(({ process_id, event }) => [event.id, { process_id, event }]))
    for (const event of of1) expect(byId.get(String(event.id))).toEqual({ process_id: a.id, event })
    expect(of(lines, 'process').map(({ process }) => process)).toEqual(expect.arrayContaining([a, b]))
    const told1 = lines.findIndex((line) => line.type === 'process' && line.process.id === a.id)
    expect(told1).toBeLessThan(lines.findIndex((line) => line.type === 'event' && line.process_id === a.id))
  })

  test('whoever was cut off goes on from the last cursor that came, and misses nothing', async () => {
    const { exported, append } = await project()
    await append(process(), events(1_300))
    const whole = of(await exported(), 'event').map(({ event }) => event.id)
    const lines = await exported()
    const cursors = of(lines, 'cursor')
    expect(cursors.length).toBeGreaterThan(2)
    for (const { cursor } of cursors) {
      const until = lines.findIndex((line) => line.type === 'cursor' && line.cursor === cursor)
      const before = of(lines.slice(0, until), 'event').map(({ event }) => event.id)
      const rest = await exported(`?cursor=${cursor}`)
      expect([...before, ...of(rest, 'event').map(({ event }) => event.id)]).toEqual(whole)
      expect(rest.at(-1)).toMatchObject({ type: 'end' })
    }
  })

  test('a filter says what it left out, and finds the rest however far apart it is', async () => {
    const { exported, append } = await project()
    const entity = { type: 'candidate', id: 'wanted' }
    const own = process()
    const nowMs = Date.now()
    const needle = makeEvent({ id: uuidV7(nowMs - 50), seq: 9_000, entity, name: 'rename' })
    const read = makeEvent({ id: uuidV7(nowMs - 50), seq: 9_001, entity, kind: 'lease_renewed' })
    await append(own, [...events(1_200), needle, read])
    while (
      (await collector.store.detection.step(0, 2_000, async () => ({ findings: [], resolved: [] }))).events >
      0
    );
    for (const lane of [1, 2, 3])
      while (
        (await collector.store.detection.step(lane, 2_000, async () => ({ findings: [], resolved: [] })))
          .events > 0
      );
    const ids = async (query: string) => {
      const lines = await exported(query)
      expect(lines.at(-1)).toMatchObject({ type: 'end' })
      expect(of(lines, 'export')[0]?.filter).toEqual(Object.fromEntries(new URLSearchParams(query)))
      return of(lines, 'event')
        .map(({ event }) => event.id)
        .sort()
    }
    expect(await ids('?entity_type=candidate&entity_id=wanted')).toEqual([needle.id, read.id].sort())
    expect(await ids('?kind=lease_renewed')).toEqual([read.id])
    expect(await ids('?operation=rename')).toEqual([needle.id])
    expect(await ids('?since=2100-01-01T00:00:00.000Z')).toEqual([])
    const noon = new Date(nowMs - 60).toISOString()
    const [since, until] = [await ids(`?since=${noon}`), await ids(`?until=${noon}`)]
    expect(since.length + until.length).toBe(1_202)
    expect(since).toContain(needle.id)
  })

  test('what contradicts comes last, with what it contradicts', async () => {
    const { exported, append } = await project()
    const own = process()
    const [first, late] = [
      makeEvent({ id: uuidV7(Date.now()), seq: 1 }),
      makeEvent({ id: uuidV7(Date.now() - 900), seq: 1 }),
    ]
    await append(own, [first])
    await append(own, [late, ...events(600).map((event) => ({ ...event, seq: Number(event.seq) + 2 }))])
    const lines = await exported()
    const told = of(lines, 'event')
    expect(told).toHaveLength(602)
    expect(told.filter(({ inconsistent }) => inconsistent)).toEqual([told.at(-1)])
    expect(told.at(-1)).toMatchObject({ event: { id: late.id }, inconsistent: { contradicts: 'sequence' } })
    expect(of(lines, 'process').at(-1)).toMatchObject({ inconsistent: 1 })
  })

  test('a project sees its own events alone, and a key needs the scope read', async () => {
    const [mine, theirs] = [await project(), await project()]
    await theirs.append(process(), events(5))
    expect((await mine.exported()).map(({ type }) => type)).toEqual(['export', 'cursor', 'end'])
    const key = await collector.key(mine.name, 'ingest', 'admin')
    const response = await collector.send(key, { method: 'GET', url: '/v1/events' })
    expect(problemOf(response).code).toBe('forbidden')
  })

  test.each([
    ['?cursor=x', 'cursor'],
    ['?since=yesterday', 'since'],
    ['?entity_type=candidate', 'entity_id'],
    ['?entity_id=1', 'entity_type'],
    ['?limit=3', 'limit'],
  ])('%s is a problem before anything is sent', async (query, parameter) => {
    const { key } = await project()
    const response = await collector.send(key, { method: 'GET', url: `/v1/events${query}` })
    expect(response.statusCode).toBe(400)
    expect(problemOf(response)).toMatchObject({ code: 'invalid_request', parameter })
  })
})

/** A collector whose store is asked for pages through `page`. */
async function openWith(page: (real: DumpStore) => DumpStore['page']): Promise<OpenedCollector> {
  return openCollector(async () => {
    const opened = await engines.PGlite()
    const { store } = opened
    return { ...opened, store: { ...store, dumps: { ...store.dumps, page: page(store.dumps) } } }
  })
}

async function fill({ store }: OpenedCollector, pages: number): Promise<void> {
  const own: ProcessReport = { id: randomUUID(), service: 's' }
  const text = 'x'.repeat(2_000)
  for (let page = 0; page < pages; page += 1) {
    const events = Array.from({ length: 500 }, (_, n) => makeEvent({ seq: page * 500 + n, text }))
    await store.events.append('default', own, events as never)
  }
}

test('an export that breaks off has no last line', async () => {
  let pages = 0
  const collector = await openWith((real) => async (...asked) => {
    if (++pages === 3) throw new Error('the database went away')
    return real.page(...asked)
  })
  await fill(collector, 4)
  const url = await collector.app.listen({ host: '127.0.0.1', port: 0 })
  const key = await collector.key('default', 'read')
  const reply = await fetch(`${url}/v1/events`, { headers: { authorization: `Bearer ${key}` } })
  let text = ''
  const reading = (async () => {
    for await (const chunk of reply.body ?? []) text += Buffer.from(chunk).toString()
  })()
  await expect(reading).rejects.toThrow()
  expect(text).toContain('"type":"cursor"')
  expect(text).not.toContain('"type":"end"')
  await collector.close()
})

test('an export waits for a client that does not read', async () => {
  let pages = 0
  const collector = await openWith((real) => async (...asked) => {
    pages += 1
    return real.page(...asked)
  })
  await fill(collector, 40)
  const { port } = new URL(await collector.app.listen({ host: '127.0.0.1', port: 0 }))
  const key = await collector.key('default', 'read')
  const socket = connect(Number(port), '127.0.0.1')
  socket.write(
    `GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\nconnection: close\r\n\r\n`,
  )
  await once(socket, 'readable')
  let before = -1
  // the buffers of the kernel fill up, and then nothing more is read from the store
  await vi.waitFor(
    () => {
      const isStill = pages === before
      before = pages
      expect(isStill).toBe(true)
    },
    { interval: 500, timeout: 20_000 },
  )
  expect(pages).toBeLessThan(38)
  let text = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-200)
  })
  await once(socket, 'close')
  expect(text).toContain('"type":"end","events":20000')
  await collector.close()
})
