import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { PROJECT, type Reporter, reporter } from './support/events.ts'
import { candidates, openWorld, type World } from './support/world.ts'

let world: World
beforeEach(async () => {
  world = await openWorld('PostgreSQL', candidates(1))
  await world.start()
})
afterEach(() => world.close())

const entity = (id: string) => ({ type: 'candidate', id })

/** Waits until all that is stored is judged. */
async function judged(): Promise<void> {
  await vi.waitFor(async () => expect(await world.store.detection.lag()).toMatchObject({ events: 0 }), {
    timeout: 20_000,
    interval: 50,
  })
}

/** Stores what one program reports under the name of another, whose sequence numbers it uses once more. */
async function appendAs(claimed: Reporter, { events }: ReturnType<Reporter['sync']>): Promise<void> {
  await world.store.events.append(PROJECT, claimed.process, events)
}

it('an event that contradicts an earlier one proves nothing', async () => {
  const [app, twin] = [reporter(), reporter()]
  const lost = app.lostUpdate(entity('a'))
  await app.append(world.store, lost.events)
  await judged()
  const before = await world.findings({ kind: 'lost-update' })
  expect(before).toMatchObject([{ id: lost.findingId, verdict: 'proven', status: 'open' }])
  await appendAs(app, twin.lostUpdate(entity('b')))
  await judged()
  expect(await world.findings({ kind: 'lost-update' })).toEqual(before)
  // under its own name it is believed
  const honest = twin.lostUpdate(entity('b'))
  await twin.append(world.store, honest.events)
  await judged()
  expect(await world.findings({ entity_id: 'b', kind: 'lost-update' })).toMatchObject([
    { id: honest.findingId, verdict: 'proven' },
  ])
})

it('an event that contradicts an earlier one ends no finding', async () => {
  const [app, twin] = [reporter(), reporter()]
  await app.append(world.store, app.sync(entity('a'), 'rejected').events)
  await judged()
  const before = await world.findings({ kind: 'partial-write' })
  expect(before).toMatchObject([{ verdict: 'proven', status: 'open' }])
  await appendAs(app, twin.sync(entity('a'), 'ok'))
  await judged()
  expect(await world.findings({ kind: 'partial-write' })).toEqual(before)
  const { items } = await world.store.processes.list(PROJECT, { limit: 10 })
  expect(items).toMatchObject([{ id: app.process.id, inconsistent: 4, stored: 8 }])
  await app.append(world.store, app.sync(entity('a'), 'ok').events)
  await judged()
  expect(await world.findings({ kind: 'partial-write' })).toMatchObject([{ status: 'resolved' }])
})

it('what a process did not do is no longer proven once it has contradicted itself', async () => {
  const [app, twin] = [reporter(), reporter()]
  await appendAs(app, twin.open(entity('x')))
  await app.append(world.store, app.open(entity('y')).events)
  const { events } = app.sync(entity('a'), 'ok')
  // without its sync: as if it had never been sent
  const renumbered = events.filter(({ kind }) => kind !== 'sync')
  const seqs = renumbered.map((event, place) => ({ ...event, seq: place + 1 }))
  await app.append(world.store, seqs)
  await judged()
  const proven = (await world.findings({ verdict: 'proven' })).map(({ kind }) => kind)
  expect(proven).toEqual([])
  const honest = reporter()
  const complete = honest.sync(entity('a'), 'ok').events.filter(({ kind }) => kind !== 'sync')
  await honest.append(
    world.store,
    complete.map((event, seq) => ({ ...event, seq })),
  )
  await judged()
  expect((await world.findings({ verdict: 'proven' })).map(({ kind }) => kind)).toEqual(['partial-write'])
})
