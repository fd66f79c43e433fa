import { afterEach, describe, expect, it } from 'vitest'
import { candidates, openWorld, type Transport, transports, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

async function begin(transport: Transport, count = 250): Promise<void> {
  world = await openWorld(transport, candidates(count))
}

for (const transport of transports()) {
  describe(`reconciliation with jobs on ${transport}`, () => {
    it('says clean, with its coverage, where both systems hold the same', async () => {
      await begin(transport)
      await world.start()
      const report = await world.reconcile()
      expect(report).toMatchObject({
        result: 'clean',
        problem: null,
        self_test: 'passed',
        diverged: 0,
        baseline: true,
      })
      expect(report.coverage).toMatchObject({
        source_records: 250,
        target_records: 250,
        compared: 250,
        indeterminate: 0,
        unread: 0,
      })
      expect(report.coverage?.requests).toBeGreaterThan(3)
    })
  })
}
