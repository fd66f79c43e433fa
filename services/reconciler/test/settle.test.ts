import { afterEach, describe, expect, it, vi } from 'vitest'
import { PROJECT, reporter } from './support/events.ts'
import { candidates, openWorld, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

const ENTITY = { type: 'candidate', id: 'k00002' }

describe('an unknown outcome', () => {
  it('is settled by a read of both systems that nobody has to ask for', async () => {
    world = await openWorld('PostgreSQL', candidates(10))
    await world.start()
    const app = reporter()
    await app.append(world.store, app.sync(ENTITY, 'unknown').events)
    await vi.waitFor(
      async () => {
        const [finding] = await world.findings({ kind: 'unknown-outcome' })
        expect(finding).toMatchObject({ status: 'resolved', verdict: 'indeterminate' })
        expect(finding?.resolution?.why).toContain('Settled: both systems agree')
      },
      { timeout: 20_000 },
    )
    const { items } = await world.store.reports.list(PROJECT, {}, { limit: 10 })
    expect(items).toMatchObject([{ trigger: 'unknown-outcome', keys: ['k00002'], result: 'clean' }])
    expect(world.ats.listings).toBe(0)
  })

  it('becomes a divergence where the two systems differ', async () => {
    world = await openWorld('PostgreSQL', candidates(10))
    await world.start()
    await world.db.query(`update candidates set name = 'Never sent' where id = 'k00002'`)
    const app = reporter()
    await app.append(world.store, app.sync(ENTITY, 'unknown').events)
    await vi.waitFor(
      async () => {
        const open = await world.findings({ status: 'open' })
        expect(open.map(({ kind }) => kind)).toEqual(['field-mismatch'])
      },
      { timeout: 20_000 },
    )
    const [unknown] = await world.findings({ kind: 'unknown-outcome' })
    expect(unknown).toMatchObject({ status: 'resolved' })
    expect(unknown?.resolution?.why).toContain('reported as a divergence')
  })
})

describe('a partial write', () => {
  it('is ended by a reconciliation that finds both systems agreeing, and so is its group', async () => {
    world = await openWorld('PostgreSQL', candidates(10))
    await world.start()
    const app = reporter()
    await app.append(world.store, app.sync(ENTITY, 'rejected').events)
    await vi.waitFor(
      async () => expect(await world.findings({ kind: 'partial-write', status: 'open' })).toHaveLength(1),
      { timeout: 20_000 },
    )
    await world.reconcile()
    const [finding] = await world.findings({ kind: 'partial-write' })
    expect(finding).toMatchObject({ status: 'resolved', verdict: 'proven' })
    expect(finding?.resolution?.why).toContain('Repaired')
    await vi.waitFor(
      async () => {
        const { items } = await world.store.groups.list(PROJECT, {}, { limit: 10 })
        expect(items).toMatchObject([
          { kind: 'partial-write', operation: 'syncCandidate', status: 'resolved' },
        ])
      },
      { timeout: 20_000 },
    )
  })
})
