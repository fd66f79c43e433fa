import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { Checkpoint, ClaimedSegment, SegmentResult, StagedRecord, Store } from '../src/index.ts'
import { rawEngines } from './raw-store.ts'
import { sharedStore } from './shared-store.ts'

const ABANDONED_MS = 60_000
const rules: Checkpoint = { rules: 'r1', sides: {} }
const result: SegmentResult = {
  counts: { source: 10, target: 9, agreed: 8 },
  suspects: [
    {
      key: 'k1',
      kind: 'missing-in-target',
      fields: [],
      source_state: 's1',
      seen_at: '2026-11-20T12:00:00.000001Z',
    },
  ],
  overflow: 1,
  requests: 4,
  problem: null,
}
const pair = { entity_type: 'candidate', source: 'a', target: 'b', every_ms: null, grace_ms: 0, owner: null }

eachEngine('segments of a run', (open) => {
  const given = sharedStore(open)

  it('are planned once, by the newest worker of the run alone', async () => {
    const { store, project } = given()
    const { id, fence } = await planned(store, project, 2)
    const plan = { ranges: [null], estimatedRecords: null }
    expect(await store.segments.plan(project, id, fence, plan)).toBe(true)
    expect(await store.segments.open(project, id, ABANDONED_MS)).toEqual({
      planned: 2,
      unfinished: 2,
      unattended: 2,
    })
    const taken = await store.reports.claim(project, id, 0)
    expect(taken?.fence).toBe(fence + 1)
    expect(await store.segments.plan(project, id, fence, plan)).toBe(false)
  })

  it('go to one worker each, and to another one when it is silent or gives them back', async () => {
    const { store, project } = given()
    const { id, claim } = await planned(store, project, 2)
    const first = await claim()
    expect(first.segment.range).toEqual({ order: 'integer', from: null, to: '1' })
    const second = await claim()
    expect([first.number, second.number]).toEqual([0, 1])
    expect(await store.segments.claim(project, id, ABANDONED_MS)).toBeUndefined()
    await store.segments.release(second)
    const again = await claim()
    expect(again).toMatchObject({ number: 1, fence: second.fence + 1 })
    // silent for longer than no time at all
    expect(await claim(-1_000)).toMatchObject({ number: 0, fence: first.fence + 1 })
  })

  it('take nothing from a worker that has lost its segment', async () => {
    const { store, project } = given()
    const { id, claim } = await planned(store, project, 1)
    const old = await claim()
    const newer = await claim(-1_000)
    const records = [{ key: 'a', fields: {} }]
    expect(await store.segments.heartbeat(old, { source: 1, target: 1 })).toBe(false)
    expect(await store.segments.stage(old, 'source', records, rules)).toBe(false)
    expect(await store.segments.unstage(old, 'source')).toBe(false)
    expect(await store.segments.finish(old, result)).toBe(false)
    await store.segments.release(old)
    expect(await read(store, newer)).toEqual([])
    expect(await store.segments.heartbeat(newer, { source: 1, target: 1 })).toBe(true)
    expect(await store.segments.finish(newer, result)).toBe(true)
    expect(await store.segments.finish(newer, result)).toBe(false)
    expect(await store.segments.results(project, id, 10)).toEqual(result)
  })

  it('add up to what the run has found, and are gone when it ends', async () => {
    const { store, project } = given()
    const { id, fence, claim } = await planned(store, project, 2)
    const [suspect] = result.suspects
    await store.segments.finish(await claim(), result)
    const problem = { code: 'truncated', detail: 'It ended early.' }
    const suspects = ['k3', 'k2'].map((key) => ({ ...(suspect ?? fail()), key }))
    await store.segments.finish(await claim(), { ...result, suspects, problem })
    expect(await store.segments.open(project, id, ABANDONED_MS)).toMatchObject({ unfinished: 0 })
    const sum = await store.segments.results(project, id, 2)
    expect(sum).toMatchObject({ counts: { source: 20, target: 18, agreed: 16 }, requests: 8, problem })
    expect(sum.suspects.map(({ key }) => key)).toEqual(['k1', 'k2'])
    expect(sum.overflow).toBe(3)
    expect((await store.reports.get(project, id))?.progress).toMatchObject({
      source_records: 20,
      target_records: 18,
      estimated_records: 100,
      segments: 2,
      segments_done: 2,
    })
    const outcome = { result: 'unknown', problem, coverage, self_test: null, rules: null } as const
    const nothing = { divergences: [], findings: [], resolved: [] }
    expect(await store.reports.finish(project, id, fence, { ...outcome, ...nothing })).toBe(true)
    expect(await store.segments.open(project, id, ABANDONED_MS)).toMatchObject({ planned: 0 })
    expect((await store.reports.get(project, id))?.progress).toBeNull()
  })

  it('stage what has no order, with the place where the next worker goes on', async () => {
    const { store, project } = given()
    const { claim } = await planned(store, project, 1)
    const record = (key: string, value = 'x'): StagedRecord => ({ key, fields: { name: value } })
    const first = await claim()
    const at = (position: string, records: number): Checkpoint => ({
      ...rules,
      sides: { target: { position, records, isWhole: false } },
    })
    await store.segments.stage(first, 'target', [record('b'), record('é'), record('B')], at('p1', 3))
    const second = await claim(-1_000)
    expect(second.segment.checkpoint).toEqual(at('p1', 3))
    const gone = { ...record('10'), deleted: true } as const
    await store.segments.stage(
      second,
      'target',
      [record('a b'), record('b', 'y'), gone, record('9')],
      at('p2', 7),
    )
    expect(await store.segments.stagedKeys(second, 'target')).toBe(6)
    const staged = await read(store, second)
    expect(staged.map(({ key }) => key)).toEqual(['10', '9', 'B', 'a b', 'b', 'é'])
    expect(staged[0]).toEqual(gone)
    expect(staged[4]).toEqual(record('b', 'y'))
    await store.segments.unstage(second, 'target')
    expect(await read(store, second)).toEqual([])
  })

  it('of two whole runs of a pair are compared one after the other, whoever claims them', async () => {
    const { store, project } = given()
    await store.reports.declarePairs(project, [{ ...pair, name: 'candidate' }])
    const request = (trigger: 'request' | 'schedule') =>
      store.reports.request(project, 'candidate', trigger, null)
    const ids = [(await request('request'))?.id ?? '', (await request('schedule'))?.id ?? '']
    const claims = await Promise.all(
      Array.from({ length: 8 }, (_, n) => store.reports.claim(project, ids[n % 2] ?? '', ABANDONED_MS)),
    )
    const won = claims.filter((claim) => claim !== undefined)
    expect(won).toHaveLength(1)
    const { report, fence } = won[0] ?? fail()
    const other = ids.find((id) => id !== report.id) ?? ''
    await store.reports.release(project, report.id, fence)
    expect(await store.reports.claim(project, other, ABANDONED_MS)).toBeDefined()
    expect(await store.reports.claim(project, report.id, ABANDONED_MS)).toBeUndefined()
  })
})

/** A run of a pair of its own, taken apart into so many segments. */
async function planned(store: Store, project: string, segments: number) {
  await store.reports.declarePairs(project, [{ ...pair, name: 'candidate' }])
  const report = await store.reports.request(project, 'candidate', 'request', null)
  const claimed = await store.reports.claim(project, report?.id ?? '', ABANDONED_MS)
  const { id } = report ?? fail()
  const { fence } = claimed ?? fail()
  const ranges = Array.from({ length: segments }, (_, n) => ({
    order: 'integer',
    from: n === 0 ? null : String(n),
    to: n === segments - 1 ? null : String(n + 1),
  }))
  expect(await store.segments.plan(project, id, fence, { ranges, estimatedRecords: 100 })).toBe(true)
  const claim = async (abandonedMs = ABANDONED_MS) =>
    (await store.segments.claim(project, id, abandonedMs)) ?? fail()
  return { id, fence, claim }
}

it('what is staged of a segment is known to be gone after a crash of the database server', async () => {
  const { store, pool, close } = await rawEngines.PostgreSQL()
  const { claim } = await planned(store, 'default', 1)
  const claimed = await claim()
  await store.segments.stage(claimed, 'target', [{ key: 'a', fields: {} }], rules)
  await pool.query('truncate syncproof.staged_records')
  expect(await store.segments.stagedKeys(claimed, 'target')).toBeUndefined()
  await expect(read(store, claimed)).rejects.toThrow('stage them again')
  await close()
})

const coverage = {
  source_records: 0,
  target_records: 0,
  compared: 0,
  indeterminate: 0,
  unread: null,
  requests: 0,
}

async function read(store: Store, claimed: ClaimedSegment): Promise<StagedRecord[]> {
  const records: StagedRecord[] = []
  for await (const batch of store.segments.staged(claimed, 'target', 4)) records.push(...batch)
  return records
}

function fail(): never {
  throw new Error('it is not there')
}
