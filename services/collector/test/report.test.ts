import { randomUUID } from 'node:crypto'
import { type DetectedFinding, findingId } from '@syncproof/core/contract'
import { detectionRules } from '@syncproof/core/detection'
import type { Divergence, Report } from '@syncproof/store'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eachEngine } from '../../../tools/testing/stores.ts'
import { type Json, makeBatch, makeEvent, makeSection } from './make-batch.ts'
import { type OpenedCollector, openCollector } from './open-collector.ts'
import { pair } from './pair.ts'

function makeFinding(changes: Partial<DetectedFinding> = {}): DetectedFinding {
  return {
    id: findingId('lost-update', randomUUID()),
    kind: 'lost-update',
    verdict: 'proven',
    severity: 'high',
    entity: { type: 'candidate', id: '42' },
    fields: ['email'],
    summary: 'syncCandidate overwrote an update that it had not read',
    cause: { operation: 'syncCandidate', service: 'candidate-api' },
    witness: { events: [] },
    occurred_at: '2026-11-20T10:00:00.000000Z',
    details: { system: 'db' },
    ...changes,
  }
}

function makeDivergence(key: string): Divergence {
  return {
    key,
    kind: 'field-mismatch',
    verdict: 'observed',
    fields: ['email', 'name'],
    reason: null,
    finding_id: null,
    source_observed_at: '2026-11-20T10:00:00Z',
    target_observed_at: '2026-11-20T10:00:01Z',
  }
}

/** Runs what the reconciler runs: takes the report and publishes it with these divergences. */
async function publish(
  collector: OpenedCollector,
  project: string,
  id: string,
  divergences: readonly Divergence[],
) {
  const claim = await collector.store.reports.claim(project, id, 60_000)
  if (claim === undefined) throw new Error('the report could not be claimed')
  await collector.store.reports.finish(project, id, claim.fence, {
    result: 'diverged',
    problem: null,
    coverage: { source_records: 3, target_records: 3, compared: 3, indeterminate: 0, unread: 0, requests: 1 },
    self_test: 'passed',
    rules: null,
    divergences,
    findings: [],
    resolved: [],
  })
}

eachEngine('the report API', (openStore) => {
  let collector: OpenedCollector
  let key: string
  let otherKey: string
  beforeAll(async () => {
    collector = await openCollector(openStore)
    key = await collector.key('default')
    otherKey = await collector.key('other')
    for (const project of ['default', 'other']) await collector.store.reports.declarePairs(project, [pair])
  })
  afterAll(() => collector.close())

  const get = (url: string, headers: Record<string, string> = {}) =>
    collector.send(key, { method: 'GET', url, headers })
  const items = async (url: string, as = key) =>
    (await collector.send(as, { method: 'GET', url })).json<{ items: Json[] }>().items

  async function judge() {
    for (let lane = 0; lane < collector.store.detection.lanes; lane++) {
      await collector.store.detection.step(lane, 1_000, async () => ({ findings: [], resolved: [] }))
    }
  }

  async function requestReport(as = key, body: Json = { pair: 'candidate' }): Promise<Report> {
    const response = await collector.send(as, { method: 'POST', url: '/v1/reconciliations', payload: body })
    expect(response.statusCode).toBe(202)
    return response.json()
  }

  test('findings are listed, filtered, paged, read and answered for', async () => {
    const found = ['syncA', 'syncA', 'syncB'].map((operation) => makeFinding({ cause: { operation } }))
    await collector.store.findings.record('default', found)
    expect((await items('/v1/findings?operation=syncA')).map(({ id }) => id).sort()).toEqual(
      found
        .slice(0, 2)
        .map(({ id }) => id)
        .sort(),
    )
    const filters =
      'kind=lost-update&verdict=proven&status=open&entity_type=candidate&entity_id=42&since=2026-01-01T00:00:00Z'
    const first = (await get(`/v1/findings?${filters}&limit=2`)).json<{
      items: Json[]
      next_cursor: string
    }>()
    expect(first.items).toHaveLength(2)
    const rest = await items(`/v1/findings?${filters}&limit=2&cursor=${first.next_cursor}`)
    expect(new Set([...first.items, ...rest].map(({ id }) => id)).size).toBe(3)

    const [one] = found
    expect((await get(`/v1/findings/${one?.id}`)).json()).toMatchObject({
      ...one,
      status: 'open',
      occurrences: 1,
    })
    const patched = await collector.send(key, {
      method: 'PATCH',
      url: `/v1/findings/${one?.id}`,
      payload: { status: 'acknowledged', note: 'known, fixed in 2.1' },
    })
    expect(patched.json()).toMatchObject({ id: one?.id, status: 'acknowledged', note: 'known, fixed in 2.1' })
    expect(await items('/v1/findings?status=acknowledged')).toHaveLength(1)
  })

  test('a reconciliation is queued and found at its Location; asking twice queues one', async () => {
    const response = await collector.send(key, {
      method: 'POST',
      url: '/v1/reconciliations',
      payload: { pair: 'candidate', keys: ['7', '9'] },
    })
    expect(response.statusCode).toBe(202)
    const report = response.json<Report>()
    expect(report).toMatchObject({ pair: 'candidate', state: 'queued', trigger: 'request', keys: ['7', '9'] })
    expect((await get(String(response.headers.location))).json()).toEqual(report)
    expect(await requestReport(key, { pair: 'candidate', keys: ['7', '9'] })).toEqual(report)
    expect((await items('/v1/reports?pair=candidate')).map(({ id }) => id)).toContain(report.id)
    expect(await items('/v1/reports?pair=nothing')).toEqual([])
  })

  test('divergences come as JSON pages, as NDJSON and as CSV that no spreadsheet runs', async () => {
    const report = await requestReport()
    const keys = ['+cmd|x', '1,2', '=HYPERLINK("http://evil")']
    await publish(collector, 'default', report.id, keys.map(makeDivergence))
    const url = `/v1/reports/${report.id}/divergences`
    const page = (await get(`${url}?limit=2`)).json<{ items: Json[]; next_cursor: string }>()
    expect(page.items.map(({ key }) => key)).toEqual(keys.slice(0, 2))
    expect((await items(`${url}?limit=2&cursor=${page.next_cursor}`)).map(({ key }) => key)).toEqual(
      keys.slice(2),
    )

    const ndjson = await get(`${url}?limit=1`, { accept: 'application/x-ndjson' })
    expect(ndjson.headers['content-type']).toMatch(/^application\/x-ndjson/)
    expect(
      ndjson.body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).key),
    ).toEqual(keys)

    const csv = await get(`${url}?limit=1`, { accept: 'text/csv' })
    expect(csv.headers['content-type']).toMatch(/^text\/csv/)
    const [head, ...lines] = csv.body.trimEnd().split('\r\n')
    expect(head).toMatch(/^key,kind,verdict,fields,/)
    expect(lines.map((line) => line.split(',field-mismatch')[0])).toEqual([
      `'+cmd|x`,
      '"1,2"',
      `"'=HYPERLINK(""http://evil"")"`,
    ])
  })

  test('pairs are listed with their last report', async () => {
    const [listed] = await items('/v1/pairs')
    expect(listed).toMatchObject({ ...pair, last_report: { pair: 'candidate' } })
  })

  test('the timeline of an entity is newest first, whatever is in its id', async () => {
    const entity = { type: 'candidate', id: 'a/b ü?#%2F 日本' }
    const events = [makeEvent({ entity }), makeEvent({ entity })]
    await collector.send(key, { method: 'POST', url: '/v1/events', payload: makeBatch(events) })
    const listed = await items(`/v1/entities/candidate/${encodeURIComponent(entity.id)}/timeline`)
    expect(listed.map(({ id }) => id)).toEqual(
      events
        .map(({ id }) => id)
        .sort()
        .reverse(),
    )
    expect(await items('/v1/entities/candidate/never-seen/timeline')).toEqual([])
  })

  test('an event that contradicts another says so, and which one, wherever it is listed', async () => {
    const entity = { type: 'candidate', id: randomUUID() }
    const process = { id: randomUUID(), service: 'twins' }
    // what a sender writes there is not what we say
    const first = makeEvent({ entity, seq: 7, inconsistent: 'not at all', inconsistent_copies: { count: 9 } })
    const second = makeEvent({ entity, seq: 7 })
    for (const event of [first, second, { ...first, name: 'other', attempt: 2 }]) {
      await collector.send(key, {
        method: 'POST',
        url: '/v1/events',
        payload: makeBatch([event], { process }),
      })
    }
    await collector.store.detection.step(
      Number.parseInt(process.id.at(-1) ?? '', 16) % 4,
      1_000,
      async () => ({ findings: [], resolved: [] }),
      detectionRules,
    )
    const timeline = await items(`/v1/entities/candidate/${entity.id}/timeline`)
    const doubts = (events: readonly Json[]) =>
      Object.fromEntries(
        events.map(({ id, inconsistent, inconsistent_copies }) => [
          id,
          { inconsistent, inconsistent_copies },
        ]),
      )
    const expected = {
      [String(first.id)]: { inconsistent_copies: { count: 1, differs: ['attempt', 'name'] } },
      [String(second.id)]: { inconsistent: { contradicts: 'sequence', event_id: first.id } },
    }
    expect(doubts(timeline)).toEqual(expected)

    const { items: events } = await collector.store.events.timeline('default', entity, { limit: 9 })
    const finding = makeFinding({ entity, witness: { events } })
    await collector.store.findings.record('default', [finding])
    const answers = [
      (await get(`/v1/findings/${finding.id}`)).json(),
      ...(await items(`/v1/findings?entity_id=${entity.id}`)),
      (
        await collector.send(key, {
          method: 'PATCH',
          url: `/v1/findings/${finding.id}`,
          payload: { note: 'seen' },
        })
      ).json(),
    ]
    expect(answers).toHaveLength(3)
    for (const { witness } of answers) expect(doubts(witness.events)).toEqual(expected)
    expect((await items('/v1/processes?limit=500')).find(({ id }) => id === process.id)).toMatchObject({
      stored: 2,
      inconsistent: 2,
    })
  })

  test('an id of an entity may be as long as the contract allows', async () => {
    const response = await get(`/v1/entities/candidate/${'x'.repeat(4_096)}/timeline`)
    expect(response.statusCode).toBe(200)
  })

  test('processes are listed with their books, operations once they are judged', async () => {
    const batch = makeBatch([makeEvent()], {
      process: { id: randomUUID(), service: 'books', release: '2.1' },
    })
    await collector.send(key, { method: 'POST', url: '/v1/events', payload: batch })
    const processes = await items('/v1/processes?limit=500')
    expect(processes.find(({ service }) => service === 'books')).toMatchObject({ stored: 1, release: '2.1' })

    const twins = makeBatch([makeEvent({ seq: 7 }), makeEvent({ seq: 7 })], {
      process: { id: randomUUID(), service: 'twins' },
    })
    await collector.send(key, { method: 'POST', url: '/v1/events', payload: twins })
    const listed = await items('/v1/processes?limit=500')
    expect(listed.find(({ service }) => service === 'twins')).toMatchObject({ stored: 2, inconsistent: 1 })
    expect(listed.find(({ service }) => service === 'books')).toMatchObject({ inconsistent: 0 })

    await judge()
    const operations = await items(
      '/v1/operations?operation=syncCandidate&entity_type=candidate&entity_id=42',
    )
    expect(operations).toContainEqual(
      expect.objectContaining({ service: 'books', release: '2.1', outcome: null }),
    )
  })

  test('groups of findings are listed with what ended them, filtered and of one project alone', async () => {
    const { store } = collector
    await store.findings.record('default', [makeFinding({ kind: 'write-skew', id: 'f_grouped' })])
    const url = '/v1/finding-groups?kind=write-skew'
    expect(await items(url)).toMatchObject([{ kind: 'write-skew', status: 'open', findings: 1 }])
    expect(await items(url, otherKey)).toEqual([])
    await store.findings.patch('default', 'f_grouped', { status: 'muted' })
    await store.groups.close('default', { quietMs: 0, callsMin: 1 })
    expect(await items(`${url}&status=open`)).toEqual([])
    expect(await items(`${url}&status=resolved`)).toMatchObject([
      { resolution: { why: expect.stringContaining('muted') } },
    ])
    expect((await get(`${url}&status=muted`)).statusCode).toBe(400)
  })

  test('sections are listed with how often they held, filtered and paged', async () => {
    for (const [release, locked] of [['r1', true] as const, ['r2', false] as const]) {
      const process = { id: randomUUID(), service: 'sections', release }
      const events = [makeSection('hire', locked), makeSection('fire', true)]
      await collector.send(key, {
        method: 'POST',
        url: '/v1/events',
        payload: makeBatch(events, { process }),
      })
      await judge()
    }
    expect(await items('/v1/sections?name=hire&service=sections')).toMatchObject([
      {
        name: 'hire',
        release: 'r2',
        entered: 1,
        held: 0,
        not_held: 1,
        unknown: 0,
        protections: ['row_lock'],
      },
      { name: 'hire', release: 'r1', entered: 1, held: 1, not_held: 0, unknown: 0 },
    ])
    const first = (await get('/v1/sections?service=sections&since=2026-01-01T00:00:00Z&limit=3')).json()
    const rest = await items(`/v1/sections?service=sections&limit=3&cursor=${first.next_cursor}`)
    expect([first.items.length, rest.length]).toEqual([3, 1])
    expect(await items('/v1/sections?service=sections&release=r2')).toHaveLength(2)
    expect(await items('/v1/sections?service=sections&release=r3')).toEqual([])
  })

  test('a key of one project sees nothing of another, and changes nothing in it', async () => {
    const finding = makeFinding()
    await collector.store.findings.record('default', [finding])
    const report = await requestReport()
    await publish(collector, 'default', report.id, [makeDivergence('1')])
    const entity = { type: 'secret', id: '1' }
    await collector.send(key, {
      method: 'POST',
      url: '/v1/events',
      payload: makeBatch([makeEvent({ entity })]),
    })

    const as = (method: 'GET' | 'PATCH', url: string, payload?: Json) =>
      collector.send(otherKey, { method, url, ...(payload ? { payload } : {}) })
    for (const url of [
      `/v1/findings/${finding.id}`,
      `/v1/reports/${report.id}`,
      `/v1/reports/${report.id}/divergences`,
    ]) {
      expect((await as('GET', url)).statusCode, url).toBe(404)
    }
    expect((await as('PATCH', `/v1/findings/${finding.id}`, { status: 'muted' })).statusCode).toBe(404)
    expect((await get(`/v1/findings/${finding.id}`)).json()).toMatchObject({ status: 'open' })
    for (const url of [
      '/v1/findings',
      '/v1/reports',
      '/v1/operations',
      '/v1/processes',
      '/v1/sections',
      '/v1/entities/secret/1/timeline',
    ]) {
      expect(await items(url, otherKey), url).toEqual([])
    }
    expect(await items('/v1/pairs', otherKey)).toMatchObject([{ name: 'candidate', last_report: null }])

    const own = await requestReport(otherKey)
    expect((await get(`/v1/reports/${own.id}`)).statusCode).toBe(404)
  })
})
