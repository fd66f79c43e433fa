import { afterEach, describe, expect, it, vi } from 'vitest'
import { QUEUES } from '../src/queue-schema.ts'
import { openTransport } from '../src/transport.ts'
import { PROJECT } from './support/events.ts'
import { candidates, flush, openWorld, transports, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

async function schedulers() {
  const transport = await openTransport(world.queue)
  const queue = transport.queue(QUEUES.detect, () => {})
  const there = await queue.schedulers()
  await queue.close()
  await transport.close()
  return there
}

async function scheduledRuns(): Promise<number> {
  const { items } = await world.store.reports.list(PROJECT, {}, { limit: 50 })
  return items.filter(({ trigger, state }) => trigger === 'schedule' && state === 'finished').length
}

describe.each(transports())('the schedule of a pair, with jobs in %s', (transport) => {
  it('comes from the store, outlives a queue that is emptied, and ends with the pair', async () => {
    world = await openWorld(transport, candidates(3))
    const first = await world.start(world.pair({ every: '5s' }))
    // the embedded database has one process
    if (transport !== 'PGlite') await world.start(world.pair({ every: '5s' }))
    await vi.waitFor(async () => expect(await scheduledRuns()).toBe(1), { timeout: 20_000 })
    const expected = [{ id: `pair/${PROJECT}/candidate`, everyMs: 500 }]
    expect(await schedulers()).toEqual(expected)
    if ('redisUrl' in world.queue) {
      await flush(world.queue.redisUrl)
      await vi.waitFor(async () => expect(await schedulers()).toEqual(expected), { timeout: 20_000 })
    }
    await vi.waitFor(async () => expect(await scheduledRuns()).toBe(2), { timeout: 30_000 })
    await first.close()
    await world.closeReconcilers()
    expect(await schedulers()).toEqual(expected)
    await world.start(world.pair())
    await vi.waitFor(async () => expect(await schedulers()).toEqual([]), { timeout: 20_000 })
  })
})
