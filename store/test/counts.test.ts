import { randomUUID } from 'node:crypto'
import type { DetectedFinding } from '@syncproof/core/contract'
import { findingId } from '@syncproof/core/contract'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eachEngine, type FreshStore } from '../../tools/testing/stores.ts'
import { type Counted, LABEL_LENGTH_MAX, LABEL_VALUES_MAX, OVERFLOW, type Store } from '../src/index.ts'
import { finding, newProcess, operation } from './make-events.ts'

/** The sums of one metric by some of its labels, those that are 0 aside. */
async function sums(store: Store, metric: Counted, ...labels: string[]): Promise<Record<string, number>> {
  while (!(await store.counts.fold()));
  const sums: Record<string, number> = {}
  for (const count of await store.counts.read()) {
    const name = labels.map((label) => count.labels[label] ?? '-').join(' ')
    if (count.metric === metric) sums[name] = (sums[name] ?? 0) + count.value
  }
  return Object.fromEntries(Object.entries(sums).filter(([, value]) => value !== 0))
}

const over = { at: '2026-11-20T12:04:00Z', why: 'repaired' }

function divergence(n: number, more: Partial<DetectedFinding> = {}): DetectedFinding {
  return finding('field-mismatch', {
    id: findingId('field-mismatch', `${n}`),
    verdict: 'observed',
    details: { pair: 'candidate', source: 'db', target: 'ats', baseline: false },
    cause: {},
    ...more,
  })
}

eachEngine('what is counted', (open) => {
  let fresh: FreshStore
  let store: Store
  beforeEach(async () => {
    fresh = await open()
    store = fresh.store
  })
  afterEach(() => fresh.close())

  it('of findings is how they stand, and how often they were found, whatever happens to them', async () => {
    const project = randomUUID()
    const lost = finding('lost-update')
    const [repaired, muted] = [divergence(1), divergence(2)]
    await store.findings.record(project, [lost, { ...repaired, verdict: 'indeterminate' }, muted])
    expect(await sums(store, 'findings', 'kind', 'verdict', 'status')).toEqual({
      'lost-update proven open': 1,
      'field-mismatch indeterminate open': 1,
      'field-mismatch observed open': 1,
    })
    await store.findings.record(project, [lost, repaired])
    await store.findings.patch(project, muted.id, { status: 'muted' })
    await store.findings.resolve(project, [{ id: repaired.id, resolution: over }])
    expect(await sums(store, 'findings', 'kind', 'verdict', 'status')).toEqual({
      'lost-update proven open': 1,
      'field-mismatch observed resolved': 1,
      'field-mismatch observed muted': 1,
    })
    // back again
    await store.findings.record(project, [repaired])
    expect(await sums(store, 'findings', 'kind', 'status', 'system', 'baseline')).toEqual({
      'lost-update open - -': 1,
      'field-mismatch open ats false': 1,
      'field-mismatch muted ats false': 1,
    })
    expect(await sums(store, 'findings_made', 'kind', 'verdict')).toEqual({
      'lost-update proven': 1,
      'field-mismatch indeterminate': 1,
      'field-mismatch observed': 3,
    })
    const rules = { linksOf: () => [], hidesVersion: () => false }
    const { signal } = new AbortController()
    await store.erasure.erase(project, { type: 'candidate', id: '42' }, { signal, rules })
    expect(await sums(store, 'findings', 'kind')).toEqual({})
    expect(await sums(store, 'findings_made', 'kind')).toEqual({ 'lost-update': 1, 'field-mismatch': 4 })
  })

  it('of a step is counted once, with its commit', async () => {
    const events = operation()
    const synced = [{ entityType: 'candidate', system: 'ats', result: 'reached', withinS: 60 }] as const
    await store.events.append('p', newProcess(), events)
    const dying = store.detection.step(0, 100, () => Promise.reject(new Error('killed')))
    await expect(dying).rejects.toThrow('killed')
    // the end of the operation comes in a step of its own
    await store.detection.step(0, 3, async () => ({ findings: [], resolved: [] }))
    await store.detection.step(0, 3, async () => ({ findings: [], resolved: [], synced }))
    await store.events.append('p', newProcess(), events)
    await store.detection.step(0, 3, async () => ({ findings: [], resolved: [] }))
    expect(await sums(store, 'operations', 'operation', 'outcome')).toEqual({ 'syncCandidate ok': 1 })
    expect(await sums(store, 'retries', 'operation')).toEqual({ syncCandidate: 1 })
    expect(await sums(store, 'writes', 'system', 'outcome')).toEqual({ 'db ok': 1 })
    expect(await sums(store, 'syncs', 'system', 'outcome')).toEqual({ 'ats ok': 1 })
    expect(await sums(store, 'writes_synced', 'system', 'result', 'within_s')).toEqual({
      'ats reached 60': 1,
    })
  })

  it('of a split that is repaired says within what time, for the entity of the operation alone', async () => {
    const [started, ...others] = operation()
    await store.events.append('p', newProcess(), [started, ...others])
    await store.detection.step(0, 9, async () => ({ findings: [], resolved: [] }))
    const operationId = 'operation_id' in started ? started.operation_id : ''
    const split = finding('partial-write', {
      cause: { operation_id: operationId },
      details: { system: 'ats', how: 'rejected' },
      occurred_at: '2026-11-20T12:00:00Z',
    })
    const ofAnother = { ...split, id: findingId('partial-write', 'b'), entity: { type: 'person', id: '42' } }
    await store.findings.record('p', [split, ofAnother])
    await store.findings.resolve(
      'p',
      [split, ofAnother].map(({ id }) => ({ id, resolution: over })),
    )
    expect(await sums(store, 'writes_repaired', 'was', 'entity_type', 'system', 'within_s')).toEqual({
      'split candidate ats 300': 1,
    })
  })

  it('has a series of its own for the first names alone, and those keep theirs', async () => {
    const of = (n: number) =>
      divergence(n, { entity: { type: `type ${n} "\n😀${'x'.repeat(1_000)}`, id: '1' } })
    const many = 10_000
    for (let from = 0; from < many; from += 1_000) {
      await store.findings.record(
        'p',
        Array.from({ length: 1_000 }, (_, n) => of(from + n)),
      )
    }
    const byType = await sums(store, 'findings', 'entity_type')
    expect(Object.keys(byType)).toHaveLength(LABEL_VALUES_MAX + 1)
    expect(byType[OVERFLOW]).toBe(many - LABEL_VALUES_MAX)
    const [name = ''] = Object.keys(byType).filter((type) => type !== OVERFLOW)
    expect([...name].length).toBe(LABEL_LENGTH_MAX)
    expect(name).toMatch(/^type \d+ "\n😀x+…$/)
    expect(byType[name]).toBe(1)
    // the names of the first thousand were there first
    const [kept, folded] = [of(Number(/\d+/.exec(name)?.[0])), of(many - 1)]
    await store.findings.resolve(
      'p',
      [kept, folded].map(({ id }) => ({ id, resolution: over })),
    )
    const open_ = await sums(store, 'findings', 'entity_type', 'status')
    expect(open_).toMatchObject({
      [`${name} resolved`]: 1,
      [`${OVERFLOW} resolved`]: 1,
      [`${OVERFLOW} open`]: many - LABEL_VALUES_MAX - 1,
    })
  })

  it('is the same after any number have added it up at once', async () => {
    for (let n = 0; n < 20; n++) await store.findings.record('p', [divergence(n)])
    const adding = Array.from({ length: 8 }, () => store.counts.fold())
    for (let n = 20; n < 40; n++) await store.findings.record('p', [divergence(n)])
    await Promise.all(adding)
    expect(await sums(store, 'findings', 'kind')).toEqual({ 'field-mismatch': 40 })
  })

  it('of open divergences has the age of the oldest, since it came back, the baseline aside', async () => {
    const old = divergence(1)
    const fromBefore = divergence(2, {
      details: { pair: 'candidate', source: 'db', target: 'crm', baseline: true },
    })
    await store.findings.record('p', [old, fromBefore])
    await store.findings.resolve('p', [{ id: old.id, resolution: over }])
    await store.counts.fold()
    expect(await store.counts.oldestDivergences()).toEqual([])
    await store.findings.record('p', [divergence(3)])
    await store.findings.record('p', [old])
    await store.counts.fold()
    const [first, second] = [
      await store.findings.get('p', divergence(3).id),
      await store.findings.get('p', old.id),
    ]
    const sinceMs = Date.parse(first?.first_seen_at ?? '')
    expect(sinceMs).toBeGreaterThan(Date.parse(second?.first_seen_at ?? ''))
    const oldest = await store.counts.oldestDivergences()
    expect(oldest).toMatchObject([{ entity_type: 'candidate', system: 'ats' }])
    expect(Math.floor(oldest[0]?.sinceMs ?? 0)).toBe(sinceMs)
  })

  it('costs findings that are found again or ended by the thousand as much each as by the hundred', async () => {
    // a connection plans what it does often for what it did first
    await store.findings.record('p', [divergence(-1)])
    await store.findings.record('p', [divergence(-1)])
    const msOf = async (from: number, count: number) => {
      const all = Array.from({ length: count }, (_, n) => divergence(from + n))
      await store.findings.record('p', all)
      const startMs = performance.now()
      await store.findings.record('p', all)
      await store.findings.resolve(
        'p',
        all.map(({ id }) => ({ id, resolution: over })),
      )
      return performance.now() - startMs
    }
    const few = await msOf(0, 500)
    // eight times as many: as the square it would be 64 times as long
    expect((await msOf(1_000, 4_000)) / few).toBeLessThan(30)
  })
})
