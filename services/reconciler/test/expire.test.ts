import { afterEach, expect, it, vi } from 'vitest'
import { behind, PROJECT, reporter } from './support/events.ts'
import { candidates, openWorld, type World } from './support/world.ts'

const DAY_MS = 24 * 60 * 60 * 1000

let world: World
afterEach(() => world.close())

it.each(['PGlite', 'PostgreSQL'] as const)(
  'a reconciler lets expire what is past its time, when it is judged, and says how much (%s)',
  async (transport) => {
    world = await openWorld(transport, candidates(1))
    const { store } = world
    const app = reporter()
    const old = behind(app.lostUpdate({ type: 'candidate', id: 'a' }).events, 9 * DAY_MS)
    await app.append(store, old)
    await app.append(store, app.sync({ type: 'candidate', id: 'b' }, 'ok').events)
    const days = { events: { keepMs: 7 * DAY_MS, byKind: {} } }
    const retention = { ...(await store.retention.policy()), ...days }
    await world.start(world.pair(), { retention })
    await vi.waitFor(async () => expect(await store.retention.due(DAY_MS)).toBe(false), {
      timeout: 60_000,
      interval: 50,
    })
    expect(await store.retention.policy()).toEqual(retention)
    // judged before or after it was due for the first time
    await vi.waitFor(async () => expect(await store.detection.lag()).toMatchObject({ events: 0 }), {
      timeout: 60_000,
      interval: 50,
    })
    await store.retention.expire({ signal: new AbortController().signal })
    expect(
      (await store.events.timeline(PROJECT, { type: 'candidate', id: 'a' }, { limit: 10 })).items,
    ).toEqual([])
    expect(
      (await store.events.timeline(PROJECT, { type: 'candidate', id: 'b' }, { limit: 10 })).items,
    ).toHaveLength(3)
    // with its witness
    expect(await world.findings({ kind: 'lost-update' })).toMatchObject([
      { verdict: 'proven', witness: { events: [{ kind: 'write', id: old[1]?.id }] } },
    ])
    expect(await store.retention.figures()).toContainEqual(
      expect.objectContaining({ subject: 'events', expired: 4, keep_ms: 7 * DAY_MS }),
    )
    expect(world.logged.filter((line) => line.includes('a job failed'))).toEqual([])
  },
)
