import { findingId } from '@syncproof/core/contract'
import { describe, expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { Store } from '../src/index.ts'
import { candidate, finding, newProcess, operation } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const ALL = { limit: 500 }
const over = { at: '2026-11-20T12:00:00Z', why: 'repaired' }

/** The n-th finding of a kind. */
function nth(kind: Parameters<typeof finding>[0], n: number, more: Parameters<typeof finding>[1] = {}) {
  return finding(kind, { id: findingId(kind, String(n)), ...more })
}

/** Runs the function that `finding` blames this often, to its end. */
async function call(store: Store, project: string, times: number): Promise<void> {
  const process = newProcess()
  for (let n = 0; n < times; n += 1)
    await store.events.append(project, process, operation({ firstSeq: n * 4 }))
  const judge = async () => ({ findings: [], resolved: [] })
  while ((await store.detection.step(0, 100, judge)).events > 0);
}

eachEngine('groups of findings', (open) => {
  const given = sharedStore(open)
  const groupsOf = async (store: Store, project: string) => (await store.groups.list(project, {}, ALL)).items

  it('hold what one function did to one entity type, once for each finding however often it is judged', async () => {
    const { store, project } = given()
    const lost = [nth('lost-update', 1), nth('lost-update', 2)]
    await store.findings.record(project, lost)
    await store.findings.record(project, lost)
    const undecided = nth('lost-update', 3, { verdict: 'indeterminate' })
    await store.findings.record(project, [undecided])
    expect(await groupsOf(store, project)).toMatchObject([
      {
        kind: 'lost-update',
        operation: 'syncCandidate',
        entity_type: 'candidate',
        findings: 2,
        status: 'open',
      },
    ])
    await store.findings.record(project, [{ ...undecided, verdict: 'proven' }])
    await store.findings.record(project, [
      nth('lost-update', 4, { cause: { operation: 'other' } }),
      nth('lost-update', 5, { entity: { type: 'job', id: '1' } }),
      nth('write-skew', 6),
      nth('contract-violation', 7, { entity: undefined, cause: {} }),
    ])
    const groups = await groupsOf(store, project)
    expect(groups.map(({ findings }) => findings).sort()).toEqual([1, 1, 1, 1, 3])
    expect(groups.find(({ kind }) => kind === 'contract-violation')).toMatchObject({
      operation: null,
      entity_type: null,
    })
  })

  it('hold no prediction, nothing undecided and no divergence that was there before anybody watched', async () => {
    const { store, project } = given()
    await store.findings.record(project, [
      nth('read-before-lock', 1, { verdict: 'hazard' }),
      nth('unknown-outcome', 2, { verdict: 'indeterminate' }),
      nth('field-mismatch', 3, { verdict: 'observed', details: { pair: 'candidate', baseline: true } }),
    ])
    expect(await groupsOf(store, project)).toEqual([])
  })

  describe('of divergences', () => {
    const pair = {
      name: 'candidate',
      entity_type: 'candidate',
      source: 'db',
      target: 'ats',
      every_ms: null,
      grace_ms: 0,
      owner: null,
    }
    const mismatch = (n: number, more: Parameters<typeof finding>[1] = {}) =>
      nth('field-mismatch', n, {
        verdict: 'observed',
        details: { pair: 'candidate', baseline: false },
        ...more,
      })
    const rule = { quietMs: 0, callsMin: 0 }

    /** A reconciliation from its claim to its end. */
    async function reconcile(
      store: Store,
      project: string,
      outcome: Partial<Parameters<Store['reports']['finish']>[3]>,
      keys: readonly string[] | null = null,
    ): Promise<void> {
      await store.reports.declarePairs(project, [pair])
      const report = await store.reports.request(project, pair.name, 'request', keys)
      const claimed = await store.reports.claim(project, report?.id ?? '', 60_000)
      const coverage = {
        source_records: 9,
        target_records: 9,
        compared: 9,
        indeterminate: 0,
        unread: 0,
        requests: 1,
      }
      await store.reports.finish(project, report?.id ?? '', claimed?.fence ?? 0, {
        ...{ result: 'clean', problem: null, coverage, self_test: 'passed', rules: 'r1' },
        ...{ divergences: [], findings: [], resolved: [], ...outcome },
      })
    }

    it('are those of a pair, and open again with one that is back', async () => {
      const { store, project } = given()
      await store.findings.record(project, [mismatch(1), mismatch(2)])
      await store.findings.record(project, [mismatch(3, { details: { pair: 'other', baseline: false } })])
      const groups = await groupsOf(store, project)
      expect(groups.map(({ pair, findings }) => [pair, findings])).toEqual([
        ['other', 1],
        ['candidate', 2],
      ])
      await store.findings.record(project, [mismatch(1)])
      expect((await groupsOf(store, project))[0]).toMatchObject({ pair: 'candidate', findings: 2 })
      const resolved = [1, 2].map((n) => ({ id: mismatch(n).id, resolution: over }))
      await reconcile(store, project, { resolved })
      expect(await store.groups.close(project, rule)).toBe(1)
      await store.findings.record(project, [mismatch(1)])
      expect((await groupsOf(store, project))[0]).toMatchObject({
        pair: 'candidate',
        findings: 3,
        status: 'open',
      })
    })

    it('are over when a whole run has read everything since and found none, and not before', async () => {
      const { store, project } = given()
      await store.findings.record(project, [mismatch(1)])
      const isOver = async () => (await store.groups.close(project, rule)) === 1
      const coverage = {
        source_records: 9,
        target_records: 9,
        compared: 8,
        indeterminate: 1,
        unread: 0,
        requests: 1,
      }
      // the record alone, repaired: of the others nobody knows
      const resolved = [{ id: mismatch(1).id, resolution: over }]
      await reconcile(store, project, { resolved }, ['c-1'])
      expect(await isOver()).toBe(false)
      await reconcile(store, project, { result: 'unknown', coverage: { ...coverage, unread: null } })
      expect(await isOver()).toBe(false)
      await reconcile(store, project, { result: 'diverged', coverage })
      expect(await isOver()).toBe(false)
      await reconcile(store, project, { result: 'diverged', findings: [mismatch(2)] })
      expect(await isOver()).toBe(false)
      await reconcile(store, project, { resolved: [{ id: mismatch(2).id, resolution: over }] })
      expect(await isOver()).toBe(true)
      expect((await groupsOf(store, project))[0]).toMatchObject({
        resolution: { why: expect.stringContaining('whole reconciliation of candidate') },
      })
    })

    it('are not over by a run that began before the last of them was seen', async () => {
      const { store, project } = given()
      await store.reports.declarePairs(project, [pair])
      await store.findings.record(project, [mismatch(1)])
      await store.findings.resolve(project, [{ id: mismatch(1).id, resolution: over }])
      const report = await store.reports.request(project, pair.name, 'request', null)
      const claimed = await store.reports.claim(project, report?.id ?? '', 60_000)
      // of another run, by key
      await reconcile(store, project, { result: 'diverged', findings: [mismatch(2)] }, ['c-2'])
      await store.findings.resolve(project, [{ id: mismatch(2).id, resolution: over }])
      const coverage = {
        source_records: 9,
        target_records: 9,
        compared: 9,
        indeterminate: 0,
        unread: 0,
        requests: 1,
      }
      await store.reports.finish(project, report?.id ?? '', claimed?.fence ?? 0, {
        ...{ result: 'clean', problem: null, coverage, self_test: 'passed', rules: 'r1' },
        ...{ divergences: [], findings: [], resolved: [] },
      })
      expect(await store.groups.close(project, rule)).toBe(0)
    })

    it('are muted and acknowledged all at once, and what was muted stays so for those that join', async () => {
      const { store, project } = given()
      await store.findings.record(project, [mismatch(1), mismatch(2)])
      const [group] = await groupsOf(store, project)
      const id = group?.id ?? ''
      expect(await store.groups.patch(project, id, { status: 'acknowledged' })).toMatchObject({
        muted: false,
      })
      expect(await store.findings.get(project, mismatch(2).id)).toMatchObject({ status: 'acknowledged' })
      expect(await store.groups.patch(project, id, { status: 'muted' })).toMatchObject({ muted: true })
      await store.findings.record(project, [mismatch(3)])
      expect(await store.groups.get(project, id)).toMatchObject({ muted: true, findings: 3 })
      expect(await store.groups.patch(project, id, { status: 'open' })).toMatchObject({ muted: false })
      expect(await store.findings.get(project, mismatch(1).id)).toMatchObject({ status: 'open' })
      // also where nobody was to hear of it any more
      await store.groups.patch(project, id, { status: 'muted' })
      await reconcile(store, project, {})
      expect(await store.groups.close(project, rule)).toBe(1)
      await store.findings.patch(project, mismatch(2).id, { status: 'acknowledged' })
      expect(await store.groups.get(project, id)).toMatchObject({ status: 'open', muted: true })
      await store.findings.patch(project, mismatch(2).id, { status: 'muted' })
      expect(await store.groups.close(project, rule)).toBe(1)
      await store.findings.patch(project, mismatch(2).id, { status: 'open' })
      expect(await store.groups.get(project, id)).toMatchObject({ status: 'open', muted: true })
      await store.findings.patch(project, mismatch(2).id, { status: 'muted' })
      expect(await store.groups.close(project, rule)).toBe(1)
      expect(await store.groups.patch(project, id, { status: 'open' })).toMatchObject({ status: 'open' })
      expect(await store.groups.patch(project, 'g_none', { status: 'open' })).toBeUndefined()
    })
  })

  it('are over after a quiet time in which the function ran, and open again with the next finding', async () => {
    const { store, project } = given()
    const rule = { quietMs: 0, callsMin: 3 }
    await store.findings.record(project, [nth('lost-update', 1)])
    // nobody called it, so nothing is known
    expect(await store.groups.close(project, rule)).toBe(0)
    await call(store, project, 2)
    expect(await store.groups.close(project, rule)).toBe(0)
    await call(store, project, 2)
    expect(await store.groups.close(project, { ...rule, quietMs: 60_000 })).toBe(0)
    expect(await store.groups.close(project, rule)).toBe(1)
    expect(await groupsOf(store, project)).toMatchObject([
      { status: 'resolved', calls_since: 4, resolution: { why: expect.stringContaining('ran 4 times') } },
    ])
    // what happened has happened
    expect(await store.findings.get(project, findingId('lost-update', '1'))).toMatchObject({ status: 'open' })
    await store.findings.record(project, [nth('lost-update', 2)])
    const [again] = await groupsOf(store, project)
    expect(again).toMatchObject({ status: 'open', findings: 2, calls_since: 0 })
    expect(again).not.toHaveProperty('resolution')
  })

  it('are no quieter for the calls that made the finding', async () => {
    const { store, project } = given()
    const [start, ...rest] = operation()
    await store.events.append(project, newProcess(), [start, ...rest])
    const operation_id = 'operation_id' in start ? start.operation_id : ''
    const lost = nth('lost-update', 1, { cause: { operation: 'syncCandidate', operation_id } })
    await store.detection.step(0, 100, async ({ projectId }) =>
      projectId === project ? { findings: [lost], resolved: [] } : { findings: [], resolved: [] },
    )
    expect(await groupsOf(store, project)).toMatchObject([{ calls_since: 0 }])
  })

  it('are over when each of their findings is resolved or muted', async () => {
    const { store, project } = given()
    const split = [nth('partial-write', 1), nth('partial-write', 2)]
    const rule = { quietMs: 3_600_000, callsMin: 1 }
    await store.findings.record(project, split)
    await store.findings.resolve(project, [{ id: split[0]?.id ?? '', resolution: over }])
    await store.findings.patch(project, split[1]?.id ?? '', { status: 'acknowledged' })
    expect(await store.groups.close(project, rule)).toBe(0)
    await store.findings.patch(project, split[1]?.id ?? '', { status: 'muted' })
    expect(await store.groups.close(project, rule)).toBe(1)
    expect(await groupsOf(store, project)).toMatchObject([{ status: 'resolved', findings: 2 }])
  })

  it('are listed newest first, filtered and paged', async () => {
    const { store, project } = given()
    for (const n of [1, 2, 3])
      await store.findings.record(project, [
        nth('lost-update', n, { cause: { operation: `f${n}` }, entity: candidate }),
      ])
    const seen: (string | null)[] = []
    let cursor: string | undefined
    do {
      const page = await store.groups.list(project, { status: 'open' }, { limit: 2, cursor })
      seen.push(...page.items.map((group) => group.operation))
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(seen).toEqual(['f3', 'f2', 'f1'])
    const filter = { operation: 'f2', kind: 'lost-update', entity_type: 'candidate' }
    expect((await store.groups.list(project, filter, ALL)).items).toHaveLength(1)
    expect((await store.groups.list(project, { status: 'resolved' }, ALL)).items).toEqual([])
  })
})
