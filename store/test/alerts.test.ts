import { type AlertState, findingId } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { AlertPlan, Store } from '../src/index.ts'
import { finding } from './make-events.ts'
import { sharedStore } from './shared-store.ts'

const SINK = 'slack'

/** Tells the sink of every group what `state` says. */
const saying = (state: AlertState): AlertPlan => ({
  next: ({ told }) => ((told[SINK]?.state ?? 'resolved') === state ? [] : [{ sink: SINK, state }]),
  message: ({ id, kind, severity, opened_at }, { open, newest }, next) => ({
    ...{ dedupKey: id, state: next.state, project: 'p', kind, severity, pair: null, operation: null },
    ...{ entityType: null, owner: null, title: kind, summary: newest?.summary ?? '', findings: 1, open },
    ...{ since: opened_at, at: opened_at, help: '', command: '' },
  }),
})

/** A group for each. */
const lost = (n: number) =>
  finding('lost-update', { id: findingId('lost-update', String(n)), cause: { operation: `f${n}` } })

eachEngine('messages to a sink', (open) => {
  const given = sharedStore(open)
  const record = (store: Store, project: string, from: number, count: number) =>
    store.findings.record(
      project,
      Array.from({ length: count }, (_, n) => lost(from + n)),
    )

  it('are decided once, and once more when there is something else to say', async () => {
    const { store, project } = given()
    await record(store, project, 0, 3)
    expect(await store.alerts.raise(project, saying('firing'))).toBe(3)
    expect(await store.alerts.raise(project, saying('firing'))).toBe(0)
    expect(await store.alerts.raise(project, saying('resolved'))).toBe(3)
    expect(await store.alerts.raise(project, saying('resolved'))).toBe(0)
  })

  it('of any number of deciders at once are decided by one', async () => {
    const { store, project } = given()
    await record(store, project, 0, 3)
    const decided = await Promise.all(
      Array.from({ length: 4 }, () => store.alerts.raise(project, saying('firing'))),
    )
    expect(decided.reduce((sum, one) => sum + one, 0)).toBe(3)
  })

  it('are taken by one at a time, in order; a lease that has run out is another one’s', async () => {
    const { store, project } = given()
    await record(store, project, 0, 1)
    await store.alerts.raise(project, saying('firing'))
    await store.alerts.raise(project, saying('resolved'))
    const [group = ''] = await store.alerts.due(project, SINK)
    const key = { group, sink: SINK }
    const first = await store.alerts.take(project, key, 60_000)
    expect(first).toMatchObject({ message: { state: 'firing' }, attempts: 1 })
    expect(await store.alerts.take(project, key, 60_000)).toBeUndefined()
    expect(await store.alerts.due(project, SINK)).toEqual([])
    if (!first) throw new Error('it was taken')
    expect(await store.alerts.settle(first, { status: 'waiting', answer: '503', pauseMs: 0 })).toBe(true)
    const again = await store.alerts.take(project, key, -1)
    expect(again).toMatchObject({ number: first.number, attempts: 2 })
    const third = await store.alerts.take(project, key, 60_000)
    expect(third).toMatchObject({ number: first.number, attempts: 3 })
    // whoever had it before says nothing any more
    if (!again || !third) throw new Error('it was taken')
    expect(await store.alerts.settle(again, { status: 'given_up', answer: '400' })).toBe(false)
    expect(await store.alerts.settle(third, { status: 'delivered', answer: '200' })).toBe(true)
    expect(await store.alerts.take(project, key, 60_000)).toMatchObject({ message: { state: 'resolved' } })
  })

  it('are due by the oldest of each group: any number that cannot be sent keep no other one', async () => {
    const { store, project } = given()
    await record(store, project, 0, 120)
    await store.alerts.raise(project, saying('firing'))
    for (;;) {
      const due = await store.alerts.due(project, SINK)
      if (due.length === 0) break
      for (const group of due) {
        const taken = await store.alerts.take(project, { group, sink: SINK }, 60_000)
        if (taken) await store.alerts.settle(taken, { status: 'waiting', answer: '500', pauseMs: 3_600_000 })
      }
    }
    // behind each of them one that could be sent
    expect(await store.alerts.raise(project, saying('resolved'))).toBe(120)
    expect(await store.alerts.due(project, SINK)).toEqual([])
    await record(store, project, 500, 1)
    expect(
      await store.alerts.raise(project, {
        ...saying('firing'),
        next: ({ told, status }) =>
          status === 'open' && !told[SINK] ? [{ sink: SINK, state: 'firing' }] : [],
      }),
    ).toBe(121)
    expect(await store.alerts.due(project, SINK)).toHaveLength(1)
  })
})
