import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { postgres } from '@syncproof/connectors'
import type { Report, SegmentStore } from '@syncproof/store'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { PROJECT } from './support/events.ts'
import { candidates, flush, openWorld, transports, type World } from './support/world.ts'

let world: World
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await world.close()
})

/** A reconciler in a process of its own, once it has started, and the segments that it has compared. */
async function startChild() {
  const child = spawn(process.execPath, [new URL('support/child-reconciler.ts', import.meta.url).pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      STORE_URL: world.url,
      REDIS_URL: 'redisUrl' in world.queue ? world.queue.redisUrl : '',
      SOURCE_URL: world.sourceUrl,
      ATS_URL: world.ats.url,
      SEGMENT_RECORDS: '500',
    },
  })
  children.push(child)
  const compared: number[] = []
  const exit = once(child, 'exit')
  await new Promise<void>((resolve) => {
    child.stdout?.on('data', (said: Buffer) => {
      for (const [, number] of String(said).matchAll(/compared (\d+)/g)) compared.push(Number(number))
      resolve()
    })
  })
  return { child, compared, exit }
}

async function request(pair: string): Promise<string> {
  const report = await world.store.reports.request(PROJECT, pair, 'request', null)
  if (report === undefined) throw new Error('the pair is not configured')
  return report.id
}

async function copyTable(): Promise<void> {
  await world.db.query(`
    create table copies as select * from candidates;
    alter table copies add primary key (id);
    delete from copies where id = 'k00700';
    update copies set status = 'other' where id in ('k09001', 'k20002');
    analyze`)
}

/** What is said of the pair `copies`, whoever says it. */
async function expectCopies(report: Report, records: number): Promise<void> {
  expect(report).toMatchObject({
    result: 'diverged',
    diverged: 3,
    problem: null,
    coverage: { source_records: records, target_records: records - 1, compared: records, indeterminate: 0 },
  })
  const { items } = await world.store.reports.divergences(PROJECT, report.id, { limit: 10 })
  expect(items.map(({ key, kind }) => [key, kind])).toEqual([
    ['k00700', 'missing-in-target'],
    ['k09001', 'field-mismatch'],
    ['k20002', 'field-mismatch'],
  ])
}

const shared = transports().filter((transport) => transport !== 'PGlite')

describe.each(shared)('several processes, with jobs in %s', (transport) => {
  it('share the segments of one run, also when the queue is emptied and one of them is killed meanwhile', async () => {
    const records = 60_000
    world = await openWorld(transport, candidates(records))
    await copyTable()
    const workers = [await startChild(), await startChild(), await startChild()] as const
    const id = await request('copies')
    await vi.waitFor(
      () => expect(workers.filter(({ compared }) => compared.length > 0).length).toBeGreaterThanOrEqual(2),
      { timeout: 30_000, interval: 5 },
    )
    if ('redisUrl' in world.queue) await flush(world.queue.redisUrl)
    workers[0].child.kill('SIGKILL')
    await workers[0].exit
    await expectCopies(await world.finished(id), records)
    const all = workers.flatMap(({ compared }) => compared)
    // each once, except for what the killed one had stored and not yet said
    expect(new Set(all).size).toBe(all.length)
    expect(all.length).toBeGreaterThan(100)
  })
})

type Claim = NonNullable<Awaited<ReturnType<SegmentStore['claim']>>>

/** Ends a segment as a worker would that found no difference. */
async function endAgreed(claim: Claim): Promise<void> {
  const { from, to } = claim.segment.range ?? {}
  const { rows } = await world.db.query<{ count: number }>(
    `select count(*)::int from candidates where ($1::text is null or id >= $1) and ($2::text is null or id < $2)`,
    [from, to],
  )
  const count = rows[0]?.count ?? 0
  const counts = { source: count, target: count, agreed: count }
  await world.store.segments.finish(claim, { counts, suspects: [], overflow: 0, requests: 1, problem: null })
}

describe('a segment that another worker ends while this one asks what all have found', () => {
  it('is part of the report', async () => {
    const records = 2_000
    world = await openWorld('PostgreSQL', candidates(records))
    await copyTable()
    const { segments } = world.store
    let other: Claim | undefined
    const plan: SegmentStore['plan'] = async (projectId, reportId, ...rest) => {
      const isPlanned = await segments.plan(projectId, reportId, ...rest)
      other = await segments.claim(projectId, reportId, 60_000)
      return isPlanned
    }
    const results: SegmentStore['results'] = async (...asked) => {
      const before = await segments.results(...asked)
      if (other) await endAgreed(other)
      other = undefined
      return before
    }
    const target = postgres({ url: world.sourceUrl, table: 'copies', key: 'id' })
    const store = { ...world.store, segments: { ...segments, plan, results } }
    await world.start(world.pair({ target }), { store, segmentRecords: 500 })
    const report = await world.reconcile()
    expect(report).toMatchObject({ result: 'diverged', diverged: 1 })
    expect(report.coverage).toMatchObject({ source_records: records, compared: records })
  })
})

/** Ends a process in the middle of the target's listing; `meanwhile` happens before another one goes on. */
async function handOver(byPlace: boolean, meanwhile: () => void) {
  world = await openWorld('PostgreSQL', candidates(1_500))
  world.ats.records.delete('k00777')
  world.ats.latencyMs = 200
  world.ats.byPlace = byPlace
  const first = await startChild()
  const id = await request('candidate')
  await vi.waitFor(
    async () => {
      const report = await world.store.reports.get(PROJECT, id)
      expect(report?.progress?.target_records).toBeGreaterThan(0)
    },
    { timeout: 30_000 },
  )
  const endedMs = Date.now()
  first.child.kill('SIGTERM')
  const [code] = await first.exit
  const ms = Date.now() - endedMs
  expect(first.compared).toEqual([])
  meanwhile()
  await startChild()
  return { code, ms, report: await world.finished(id) }
}

describe('a process that is asked to end in mid-run', () => {
  it('is gone within five seconds, and another one goes on where its listing was', async () => {
    const { code, ms, report } = await handOver(false, () => {})
    expect(code).toBe(0)
    expect(ms).toBeLessThan(5_000)
    expect(report).toMatchObject({ result: 'diverged', diverged: 1 })
    expect(report.coverage).toMatchObject({ source_records: 1_500, target_records: 1_499, compared: 1_500 })
    // nothing that the first had listed was listed again
    expect(world.ats.listings).toBe(1)
  })

  it('leaves a listing that is begun anew where records have moved into what comes', async () => {
    const { report } = await handOver(true, () => {
      const [first, ...others] = world.ats.records.values()
      if (first === undefined) throw new Error('there is no record')
      world.ats.records.clear()
      for (const record of [{ ...first, id: 'a' }, first, ...others]) world.ats.records.set(record.id, record)
    })
    expect(report).toMatchObject({ result: 'diverged', diverged: 2 })
    expect(report.coverage).toMatchObject({ source_records: 1_500, target_records: 1_500, compared: 1_501 })
    expect(world.ats.listings).toBe(2)
  })
})
