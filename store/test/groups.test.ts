import { findingId } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
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

  it('hold no prediction, nothing undecided and no state of two systems', async () => {
    const { store, project } = given()
    await store.findings.record(project, [
      nth('read-before-lock', 1, { verdict: 'hazard' }),
      nth('unknown-outcome', 2, { verdict: 'indeterminate' }),
      nth('field-mismatch', 3, { verdict: 'observed' }),
    ])
    expect(await groupsOf(store, project)).toEqual([])
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
