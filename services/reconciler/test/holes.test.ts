import { randomUUID } from 'node:crypto'
import type { EntityRef, EventKind, SyncproofEvent } from '@syncproof/core/contract'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { behind, PROJECT, type Reporter, reporter } from './support/events.ts'
import { candidates, openWorld, type World } from './support/world.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
/** Past what a kind with a time of its own is kept for here, and within what events are. */
const AGE_MS = 6 * DAY_MS

let world: World
let app: Reporter
beforeEach(async () => {
  world = await openWorld('PostgreSQL', candidates(1))
  app = reporter()
  await world.start()
  // its own first look at what is past its time would take what the test lets expire
  await vi.waitFor(async () => expect(await world.store.retention.due(HOUR_MS)).toBe(false), {
    timeout: 20_000,
    interval: 20,
  })
})
afterEach(() => world.close())

const entity: EntityRef = { type: 'candidate', id: 'a' }

async function judged(): Promise<void> {
  await vi.waitFor(async () => expect(await world.store.detection.lag()).toMatchObject({ events: 0 }), {
    timeout: 20_000,
    interval: 20,
  })
}

/** Stores events that are some days old, has them judged, and lets those of a kind expire. */
async function loseKind(kind: EventKind, events: readonly SyncproofEvent[]): Promise<void> {
  await app.append(world.store, behind(events, AGE_MS))
  await judged()
  const policy = await world.store.retention.policy()
  const shorter = { keepMs: policy.events.keepMs, byKind: { [kind]: 2 * DAY_MS } }
  await world.store.retention.declare({ ...policy, events: shorter })
  const expiry = await world.store.retention.expire({ signal: new AbortController().signal })
  expect(expiry.expired[`events.${kind}`]).toBeGreaterThan(0)
}

/** An event of an operation that comes late, so that the operation is judged again. */
async function comesLate(operationId: string): Promise<void> {
  const [started] = app.open(entity).events
  if (started?.kind !== 'operation_started') throw new Error('an operation begins with its start')
  const { id, seq, at, monotonic_us } = started
  const of = { operation_id: operationId, system: 'db', entity, found: true, fields: {}, transaction: 'none' }
  await app.append(world.store, behind([{ id, seq, at, monotonic_us, kind: 'read', ...of } as const], AGE_MS))
  await judged()
}

it('that a sync has expired is not taken for one that was never sent', async () => {
  const { operationId, events } = app.sync(entity, 'ok')
  await loseKind('sync', events)
  await comesLate(operationId)
  expect((await world.findings()).filter(({ verdict }) => verdict !== 'hazard')).toEqual([])
})

it('nor where a called operation sent it', async () => {
  const calls = app.open(entity)
  const called = app.sync(entity, 'ok')
  const [start] = calls.events
  const parent = { parent_operation_id: calls.operationId, root_operation_id: calls.operationId }
  const below = called.events.map((event) =>
    event.kind === 'operation_started' ? { ...event, ...parent, syncs: [] } : event,
  )
  const { id, seq, at, monotonic_us } = app.open(entity).events[0] as SyncproofEvent
  const end = { operation_id: calls.operationId, outcome: 'ok', calls: 1 } as const
  const events = [start, ...below, { id, seq, at, monotonic_us, kind: 'operation_finished', ...end } as const]
  await loseKind(
    'sync',
    events.flatMap((event) => event ?? []),
  )
  await comesLate(calls.operationId)
  expect((await world.findings()).filter(({ verdict }) => verdict !== 'hazard')).toEqual([])
})

it('a finding is not over because its events have expired, and keeps its witness', async () => {
  const { operationId, events } = app.sync(entity, 'unknown')
  await loseKind('sync', events)
  const before = await world.findings({ kind: 'unknown-outcome' })
  expect(before).toMatchObject([{ status: 'open', witness: { events: [{ kind: 'sync' }] } }])
  await comesLate(operationId)
  expect(await world.findings({ kind: 'unknown-outcome' })).toEqual(before)
})

it('what was proven keeps the witness that proves it', async () => {
  const { operationId, events } = app.sync(entity, 'rejected')
  await loseKind('write', events)
  const before = await world.findings({ verdict: 'proven' })
  expect(before).toMatchObject([{ kind: 'partial-write', status: 'open' }])
  await comesLate(operationId)
  expect(await world.findings({ verdict: 'proven' })).toEqual(before)
})

it('what comes late of an operation whose other events have expired still proves what it proves alone', async () => {
  const { operationId, events } = app.sync(entity, 'ok')
  await loseKind('sync', events)
  const lost = app.lostUpdate(entity)
  const write = lost.events.filter(({ kind }) => kind === 'write')
  await app.append(
    world.store,
    behind(
      write.map((event) => ({ ...event, operation_id: operationId })),
      AGE_MS,
    ),
  )
  await judged()
  expect((await world.findings()).filter(({ verdict }) => verdict !== 'hazard')).toMatchObject([
    { kind: 'lost-update', verdict: 'proven', cause: { operation_id: operationId } },
  ])
})

it('an operation that is not known any more is not taken for a new one', async () => {
  const { operationId, events } = app.sync(entity, 'ok')
  const synced = events.filter(({ kind }) => kind === 'sync')
  await app.append(world.store, synced)
  await judged()
  const { signal } = new AbortController()
  // the process lives on
  await world.store.retention.declare({ ...(await world.store.retention.policy()), processesMs: null })
  expect(
    (await world.store.retention.expire({ signal, nowMs: Date.now() + 100 * DAY_MS })).expired,
  ).toMatchObject({
    events: 1,
    operations: 1,
  })
  // all else of it was held up for months, and its clock ran ahead
  const late = behind(
    events.filter(({ kind }) => kind !== 'sync'),
    -100 * DAY_MS,
  )
  await app.append(world.store, late)
  await judged()
  expect((await world.store.operations.list(PROJECT, {}, { limit: 10 })).items).toMatchObject([
    { operation_id: operationId, outcome: 'ok' },
  ])
  expect((await world.findings()).filter(({ verdict }) => verdict !== 'hazard')).toEqual([])
})

it('what is whole is judged as ever beside it', async () => {
  await loseKind('sync', app.sync({ type: 'candidate', id: randomUUID() }, 'ok').events)
  const { events } = app.sync(entity, 'rejected')
  await app.append(world.store, events)
  await judged()
  expect(await world.findings({ verdict: 'proven' })).toMatchObject([{ kind: 'partial-write' }])
})
