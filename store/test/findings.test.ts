import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import { candidate, finding } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const over = { at: '2026-11-20T12:00:00Z', why: 'repaired' }

eachEngine('findings', (open) => {
  const given = sharedStore(open)

  it('a proven lost update is never downgraded, resolved or counted again', async () => {
    const { store, project } = given()
    const lost = finding('lost-update')
    expect(await store.findings.record(project, [lost])).toHaveLength(1)
    expect(await store.findings.record(project, [{ ...lost, verdict: 'hazard' }, lost])).toEqual([])
    expect(await store.findings.resolve(project, [{ id: lost.id, resolution: over }])).toBe(0)
    expect(await store.findings.get(project, lost.id)).toMatchObject({
      ...lost,
      status: 'open',
      occurrences: 1,
    })
  })

  it('an undecided finding becomes proven or is resolved, and stays resolved when judged again', async () => {
    const { store, project } = given()
    const undecided = finding('unknown-outcome', { verdict: 'indeterminate', reason: 'no answer' })
    await store.findings.record(project, [undecided])
    expect(await store.findings.resolve(project, [{ id: undecided.id, resolution: over }])).toBe(1)
    await store.findings.record(project, [undecided])
    expect(await store.findings.get(project, undecided.id)).toMatchObject({
      status: 'resolved',
      resolution: over,
    })
    const split = finding('partial-write', { verdict: 'indeterminate' })
    await store.findings.record(project, [split])
    await store.findings.record(project, [{ ...split, verdict: 'proven' }])
    await store.findings.record(project, [split])
    expect(await store.findings.get(project, split.id)).toMatchObject({ verdict: 'proven' })
  })

  it('why a finding is undecided can be told anew while it is, and changes nothing else of it', async () => {
    const { store, project } = given()
    const undecided = finding('unknown-outcome', {
      verdict: 'indeterminate',
      reason: 'no answer',
      details: { what: 'commit' },
    })
    const decided = finding('lost-update')
    await store.findings.record(project, [undecided, decided])
    const [before, proven] = [
      await store.findings.get(project, undecided.id),
      await store.findings.get(project, decided.id),
    ]
    const said = { reason: 'in progress', details: { transactions: { '744': '744' } } }
    await store.findings.explain(project, [
      { id: undecided.id, ...said },
      { id: decided.id, ...said },
    ])
    expect(await store.findings.get(project, undecided.id)).toEqual({
      ...before,
      reason: 'in progress',
      details: { what: 'commit', transactions: { '744': '744' } },
    })
    expect(await store.findings.get(project, decided.id)).toEqual(proven)
    await store.findings.resolve(project, [{ id: undecided.id, resolution: over }])
    await store.findings.explain(project, [{ id: undecided.id, reason: 'later', details: {} }])
    expect(await store.findings.get(project, undecided.id)).toMatchObject({ reason: 'in progress' })
  })

  it('a mismatch that was resolved and is seen again is open again', async () => {
    const { store, project } = given()
    const mismatch = finding('field-mismatch', { verdict: 'observed' })
    await store.findings.record(project, [mismatch])
    await store.findings.resolve(project, [{ id: mismatch.id, resolution: over }])
    await store.findings.record(project, [mismatch])
    const again = await store.findings.get(project, mismatch.id)
    expect(again).toMatchObject({ status: 'open', occurrences: 2 })
    expect(again).not.toHaveProperty('resolution')
  })

  it('what a person acknowledged or muted stays so when it is seen again', async () => {
    const { store, project } = given()
    const mismatch = finding('field-mismatch', { verdict: 'observed' })
    await store.findings.record(project, [mismatch])
    expect(
      await store.findings.patch(project, mismatch.id, { status: 'muted', note: 'known' }),
    ).toMatchObject({ status: 'muted', note: 'known' })
    await store.findings.record(project, [mismatch])
    expect(await store.findings.get(project, mismatch.id)).toMatchObject({ status: 'muted', note: 'known' })
    expect(await store.findings.patch(project, 'f_none', { status: 'open' })).toBeUndefined()
  })

  it('are listed newest first, filtered, page by page, a project at a time', async () => {
    const { store, project } = given()
    const many = Array.from({ length: 7 }, (_, n) =>
      finding(n % 2 ? 'lost-update' : 'field-mismatch', {
        id: `f_${n}`,
        entity: { type: 'candidate', id: String(n) },
      }),
    )
    for (const one of many) await store.findings.record(project, [one])
    await store.findings.record(`${project}-other`, many)
    const first = await store.findings.list(project, {}, { limit: 4 })
    const second = await store.findings.list(project, {}, { limit: 4, cursor: first.next_cursor ?? '' })
    expect([...first.items, ...second.items].map((item) => item.id)).toEqual(
      many.map((item) => item.id).reverse(),
    )
    expect(second.next_cursor).toBeNull()
    const ids = async (filter: Parameters<typeof store.findings.list>[1]) =>
      (await store.findings.list(project, filter, { limit: 9 })).items.map((item) => item.id)
    expect(await ids({ kind: 'lost-update' })).toEqual(['f_5', 'f_3', 'f_1'])
    expect(await ids({ entity_type: 'candidate', entity_id: '2' })).toEqual(['f_2'])
    expect(await ids({ operation: 'nobody' })).toEqual([])
    expect(await ids({ since: first.items[1]?.last_seen_at })).toEqual(['f_6', 'f_5'])
    expect(
      await store.findings.openOf(project, ['lost-update'], [candidate, { type: 'candidate', id: '3' }]),
    ).toMatchObject([{ id: 'f_3' }])
  })
})
