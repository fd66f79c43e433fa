import type { EntityRef, SyncproofEvent } from '@syncproof/core/contract'
import { detectionRules } from '@syncproof/core/detection'
import pg from 'pg'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { PROJECT, type Reporter, reporter } from './support/events.ts'
import { candidates, openWorld, type World } from './support/world.ts'

let world: World
let app: Reporter
beforeEach(async () => {
  world = await openWorld('PostgreSQL', candidates(1))
  app = reporter()
  await world.start()
})
afterEach(() => world.close())

const kept: EntityRef = { type: 'candidate', id: 'kept' }
const forgotten: EntityRef = { type: 'account', id: 'forgotten' }

async function judged(): Promise<void> {
  await vi.waitFor(async () => expect(await world.store.detection.lag()).toMatchObject({ events: 0 }), {
    timeout: 20_000,
    interval: 20,
  })
}

async function erase(entity: EntityRef) {
  const options = { signal: new AbortController().signal, rules: detectionRules }
  return world.store.erasure.erase(PROJECT, entity, options)
}

/** What is said that happened. */
async function said() {
  return (await world.findings()).filter(({ verdict }) => verdict !== 'hazard')
}

/** The events with the next numbers of the program. */
function renumbered(events: readonly SyncproofEvent[]): readonly SyncproofEvent[] {
  return events.map((event) => {
    const { id, seq, monotonic_us } = app.open(kept).events[0] as SyncproofEvent
    return { ...event, id, seq, monotonic_us }
  })
}

/** An operation on what is kept that wrote it, and sent another record, which is forgotten later, to the same system. */
async function syncsTheOther(): Promise<SyncproofEvent> {
  const { events } = reporter().sync(kept, 'ok')
  const own = events.map((event) => (event.kind === 'sync' ? { ...event, entity: forgotten } : event))
  const stored = renumbered(own)
  await app.append(world.store, stored)
  await judged()
  expect(await said()).toEqual([])
  return stored[0] as SyncproofEvent
}

/** Has an operation judged again. */
async function comesLate({ operation_id }: { readonly operation_id: string }): Promise<void> {
  const of = {
    operation_id,
    system: 'db',
    entity: kept,
    found: true,
    fields: {},
    transaction: 'none',
  } as const
  await app.append(
    world.store,
    renumbered([{ ...(app.open(kept).events[0] as SyncproofEvent), kind: 'read', ...of }]),
  )
  await judged()
}

it('that a sync was erased is not taken for one that was never sent', async () => {
  const started = await syncsTheOther()
  expect(await erase(forgotten)).toMatchObject({ done: true, removed: { events: 1, operations: 0 } })
  await comesLate(started as Extract<SyncproofEvent, { kind: 'operation_started' }>)
  expect(await said()).toEqual([])
  // it is still known, and what it did to others
  expect((await world.store.operations.list(PROJECT, {}, { limit: 5 })).items).toMatchObject([
    { outcome: 'ok' },
  ])
})

it('nor where the operation ends after that', async () => {
  const { events } = reporter().sync(kept, 'ok')
  const own = renumbered(
    events.map((event) => (event.kind === 'sync' ? { ...event, entity: forgotten } : event)),
  )
  await app.append(world.store, own.slice(0, 3))
  await judged()
  await erase(forgotten)
  await app.append(world.store, own.slice(3))
  await judged()
  expect(await said()).toEqual([])
})

it('that an end was erased is not taken for one that never came', async () => {
  const done = app.sync(forgotten, 'ok')
  await app.append(world.store, done.events)
  await judged()
  await erase(forgotten)
  const { id, seq, at, monotonic_us } = renumbered(app.open(kept).events)[0] as SyncproofEvent
  await app.append(world.store, [{ id, seq, at, monotonic_us, kind: 'process_ended', last_seq: seq }])
  await judged()
  expect(await said()).toEqual([])
})

it('an open finding about another record is not over because of what was erased beside it', async () => {
  const { events } = reporter().sync(kept, 'unknown')
  const read = { system: 'db', entity: forgotten, found: true, fields: {}, transaction: 'none' } as const
  const [started, ...others] = events as [Extract<SyncproofEvent, { kind: 'operation_started' }>]
  const stored = renumbered([started, { ...started, kind: 'read', ...read }, ...others] as SyncproofEvent[])
  await app.append(world.store, stored)
  await judged()
  const before = await world.findings({ kind: 'unknown-outcome' })
  expect(before).toMatchObject([{ status: 'open' }])
  await erase(forgotten)
  await comesLate(started)
  expect(await world.findings({ kind: 'unknown-outcome' })).toEqual(before)
})

it('what is judged while it is erased leaves nothing behind', async () => {
  const stop = new AbortController()
  const append = async () => {
    while (!stop.signal.aborted) await app.append(world.store, app.sync(forgotten, 'rejected').events)
  }
  const writers = [append(), append()]
  try {
    await vi.waitFor(async () => expect(world.heard.length).toBeGreaterThan(20), { timeout: 20_000 })
    const server = new pg.Client({ connectionString: world.url })
    await server.connect()
    for (let times = 0; times < 15; times += 1) {
      await erase(forgotten)
      // found by who had read it before, and stored afterwards
      const { rows } = await server.query(`
        select from syncproof.findings, jsonb_array_elements(witness->'events') as shown
        join syncproof.events on id = (shown->>'id')::uuid and events.kind = 'erased'`)
      expect(rows).toEqual([])
    }
    await server.end()
  } finally {
    stop.abort()
    await Promise.all(writers)
  }
  // as a person does who is told that more came in
  await vi.waitFor(async () => expect((await erase(forgotten)).done).toBe(true), { timeout: 20_000 })
  await judged()
  expect(await world.findings({ entity_id: forgotten.id })).toEqual([])
  expect(await said()).toEqual([])
  expect((await world.store.events.timeline(PROJECT, forgotten, { limit: 5 })).items).toEqual([])
  expect(world.logged.filter((line) => line.includes('failed'))).toEqual([])
})
