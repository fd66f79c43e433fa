import {
  type DetectedFinding,
  FINDING_KINDS,
  FINDING_STATUSES,
  findingId,
  VERDICTS,
} from '@syncproof/core/contract'
import { errorCatalogue } from '@syncproof/core/contract/errors'
import { eventSchemas } from '@syncproof/core/contract/schema'
import { CONTRADICTED, migrateStore, openStore } from '@syncproof/store'
import pg from 'pg'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../../tools/testing/servers.ts'
import { freePort } from '../../../tools/testing/throwaway-servers.ts'
import { buildCollector } from '../src/build-collector.ts'
import { collectorLimits } from '../src/limits.ts'
import { type Json, makeBatch, makeEvent, makeSection } from './make-batch.ts'
import { type OpenedCollector, openCollector } from './open-collector.ts'

let database: FreshDatabase
let collector: OpenedCollector
let key: string
// a minute a look: no figure is shared between two scrapes of a test
let clockMs = 0

beforeAll(async () => {
  database = await freshDatabase()
  await migrateStore({ url: database.url })
  const store = openStore({ url: database.url })
  const clock = () => clockMs
  collector = await openCollector(async () => ({ store, close: () => store.close() }), { clockMs: clock })
  key = await collector.key('default', 'ingest')
})
afterAll(async () => {
  await collector.close()
  await database.drop()
})

/** Series and their values. */
async function scrape(): Promise<Map<string, number>> {
  clockMs += collectorLimits.storeFiguresTtlMs + 1
  const text = await collector.metrics.metrics()
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => {
        const space = line.lastIndexOf(' ')
        return [line.slice(0, space), Number(line.slice(space + 1))]
      }),
  )
}

const send = (batch: Json) => collector.send(key, { method: 'POST', url: '/v1/events', payload: batch })

test('before anything has happened every series of a closed set is there, with 0', async () => {
  const series = await scrape()
  const expected = [
    ...['accepted', 'duplicate', 'rejected'].map((result) => `syncproof_events_total{result="${result}"}`),
    ...Object.keys(eventSchemas).map((kind) => `syncproof_events_valid_total{kind="${kind}"}`),
    ...['stored', 'heartbeat', 'refused'].map(
      (result) => `syncproof_ingest_batches_total{result="${result}"}`,
    ),
    ...Object.keys(errorCatalogue).map((code) => `syncproof_http_problems_total{code="${code}"}`),
    ...FINDING_KINDS.flatMap((kind) =>
      VERDICTS.flatMap((verdict) => [
        `syncproof_findings_total{kind="${kind}",verdict="${verdict}"}`,
        `syncproof_findings_open{kind="${kind}",verdict="${verdict}"}`,
        ...FINDING_STATUSES.map(
          (status) => `syncproof_findings_by_status{kind="${kind}",verdict="${verdict}",status="${status}"}`,
        ),
      ]),
    ),
    'syncproof_write_conflicts_total',
    'syncproof_partial_writes_total',
    ...CONTRADICTED.map((what) => `syncproof_inconsistent_events_total{contradicts="${what}"}`),
    'syncproof_ingest_duration_seconds_count',
  ]
  for (const name of expected) expect(series.get(name), name).toBe(0)
})

test('events, batches and problems are counted by what became of them', async () => {
  const good = makeBatch([makeEvent(), makeEvent({ kind: 'never_heard_of' }), makeEvent({ seq: -1 })])
  await send(good)
  await send(good)
  await send(makeBatch([]))
  await send(makeBatch([makeEvent({ id: 'x' })]))
  const series = await scrape()
  expect(Object.fromEntries(series)).toMatchObject({
    'syncproof_events_total{result="accepted"}': 2,
    'syncproof_events_total{result="duplicate"}': 2,
    'syncproof_events_total{result="rejected"}': 3,
    'syncproof_events_valid_total{kind="operation_started"}': 2,
    'syncproof_events_valid_total{kind="__unknown__"}': 2,
    'syncproof_events_rejected_total{code="invalid_event"}': 3,
    'syncproof_ingest_batches_total{result="stored"}': 2,
    'syncproof_ingest_batches_total{result="heartbeat"}': 1,
    'syncproof_ingest_batches_total{result="refused"}': 1,
    syncproof_ingest_duration_seconds_count: 3,
    'syncproof_http_problems_total{code="no_valid_event"}': 1,
  })
})

test('findings and sections are the store’s; names from code are capped', async () => {
  const finding = (
    kind: DetectedFinding['kind'],
    n: number,
    more: Partial<DetectedFinding> = {},
  ): DetectedFinding => ({
    id: findingId(kind, String(n)),
    kind,
    verdict: 'proven',
    severity: 'high',
    fields: [],
    summary: 'x',
    cause: {},
    witness: { events: [] },
    occurred_at: '2026-11-20T00:00:00Z',
    details: {},
    ...more,
  })
  const findings = [finding('lost-update', 1), finding('write-conflict', 2), finding('partial-write', 3)]
  await collector.store.findings.record('default', findings)
  await collector.store.findings.patch('default', findingId('lost-update', '1'), { status: 'muted' })
  const skews = Array.from({ length: 300 }, (_, n) =>
    finding('write-skew', n, { cause: { operation: `sync ${n} "\n😀` } }),
  )
  await collector.store.findings.record('default', skews)
  await send(makeBatch([makeEvent({ seq: 0 }), makeEvent({ seq: 0 })]))
  await send(makeBatch(Array.from({ length: 250 }, (_, n) => makeSection(`section${n}`, n % 2 === 0))))
  for (let lane = 0; lane < collector.store.detection.lanes; lane++) {
    await collector.store.detection.step(lane, 1_000, async () => ({ findings: [], resolved: [] }))
  }
  await collector.store.counts.fold()
  // a scrape that the database keeps waiting shows the figures before: the next one has them
  await vi.waitFor(
    async () => {
      const series = await scrape()
      expect(Object.fromEntries(series)).toMatchObject({
        'syncproof_findings_total{kind="lost-update",verdict="proven"}': 1,
        'syncproof_findings_open{kind="lost-update",verdict="proven"}': 0,
        'syncproof_findings_by_status{kind="lost-update",verdict="proven",status="muted"}': 1,
        'syncproof_findings_open{kind="partial-write",verdict="proven"}': 1,
        syncproof_write_conflicts_total: 2,
        syncproof_partial_writes_total: 1,
        'syncproof_inconsistent_events_total{contradicts="sequence"}': 1,
      })
      const operations = [...series].filter(([name]) => name.startsWith('syncproof_operation_findings_total'))
      expect(operations).toHaveLength(collectorLimits.labelValuesMax + 1)
      expect(operations.reduce((sum, [, value]) => sum + value, 0)).toBe(300)
      expect(operations[0]?.[0]).toMatch(/operation="sync \d+ \\"\\n😀"/)
      const overflow = operations.filter(([name]) => name.includes('operation="__overflow__"'))
      expect(overflow).toEqual([[expect.anything(), 100]])
      const runs = [...series].filter(([name]) => name.startsWith('syncproof_section_runs_total'))
      expect(runs).toHaveLength(3 * (collectorLimits.labelValuesMax + 1))
      for (const result of ['held', 'not_held']) {
        const of = runs.filter(([name]) => name.includes(`result="${result}"`))
        expect(of.reduce((sum, [, value]) => sum + value, 0)).toBe(125)
      }
    },
    { timeout: 30_000 },
  )
})

test('two scrapes at once, and a third after them, see the same figures', async () => {
  const [a, b] = await Promise.all([scrape(), scrape()])
  const pick = (series: Map<string, number>) =>
    [...series].filter(([name]) => /findings|operations|section/.test(name)).sort()
  expect(pick(a)).toEqual(pick(b))
  expect(pick(await scrape())).toEqual(pick(a))
})

test('a database that does not answer costs a scrape its timeout and no figure', async () => {
  const before = await scrape()
  const other = new pg.Client({ connectionString: database.url })
  await other.connect()
  await other.query('begin')
  await other.query('lock table syncproof.counts in access exclusive mode')
  const startedMs = performance.now()
  const during = await scrape()
  expect(performance.now() - startedMs).toBeLessThan(15_000)
  const stale = 'syncproof_store_figures_stale'
  for (const [name, value] of before) {
    // by the wall clock, or what says how fresh the others are
    if (!name.startsWith(stale)) expect(during.get(name), name).toBe(value)
  }
  expect([before.get(stale), during.get(stale)]).toEqual([0, 1])
  await other.query('rollback')
  await other.end()
  await vi.waitFor(async () => expect((await scrape()).get(stale)).toBe(0), { timeout: 10_000 })
})

test('a collector that has never read the database says nothing of it, so that no counter falls to 0', async () => {
  const away = openStore({ url: `postgres://127.0.0.1:${await freePort()}/none` })
  const registry = new Registry()
  const app = await buildCollector({ store: away, metrics: registry })
  const names = (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#'))
  await app.close()
  await away.close()
  expect(names).toContain('syncproof_store_figures_stale 1')
  expect(names).toContain('syncproof_store_figures_timestamp_seconds 0')
  expect(names).toContain('syncproof_events_total{result="accepted"} 0')
  const ofStore =
    /^syncproof_(findings|write|partial|operation|section|divergence|heartbeat|events_una|inconsistent)/
  expect(names.filter((line) => ofStore.test(line))).toEqual([])
})

test('a wall clock that jumps neither keeps old figures nor makes them stale', async () => {
  const store = openStore({ url: database.url })
  const metrics = new Registry()
  const clocks = { wallMs: Date.now(), monotonicMs: 0 }
  const app = await buildCollector({
    ...{ store, metrics },
    nowMs: () => clocks.wallMs,
    clockMs: () => clocks.monotonicMs,
  })
  const at = async () => {
    const text = await metrics.metrics()
    const sampleOf = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
    return [
      sampleOf('syncproof_store_figures_timestamp_seconds') * 1_000,
      sampleOf('syncproof_store_figures_stale'),
    ]
  }
  try {
    expect(await at()).toEqual([clocks.wallMs, 0])
    for (const jumpMs of [3_600_000, -86_400_000, 40 * 86_400_000]) {
      clocks.wallMs += jumpMs
      const [readMs] = await at()
      // no time has passed: what was read a moment ago is shown again
      expect(readMs).toBe(clocks.wallMs - jumpMs)
      clocks.monotonicMs += collectorLimits.storeFiguresTtlMs + 1
      expect(await at()).toEqual([clocks.wallMs, 0])
    }
  } finally {
    await app.close()
    await store.close()
  }
})
