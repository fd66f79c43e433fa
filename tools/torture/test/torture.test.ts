import { expect, test } from 'vitest'
import { redisUrl } from '../../testing/servers.ts'
import { killAlerting } from '../alerting.ts'
import { canMount, fillDisk } from '../disk.ts'
import { watchForDivergence } from '../divergence.ts'
import { killCollector, killPostgres } from '../kill.ts'
import { killReconciler } from '../reconciling.ts'
import { cutReplies } from '../replies.ts'
import { tailUnderWriters } from '../tailing.ts'

/** The short forms of `npm run torture`. Each throws where something acknowledged is lost or doubled. */
const LONG = { timeout: 180_000 }
const kept = { lost: 0, doubled: 0, miscounted: 0 }

test('kill -9 of the collector under load loses nothing that was acknowledged', LONG, async () => {
  expect(await killCollector(2)).toMatchObject(kept)
})

test('kill -9 of PostgreSQL under load loses nothing that was acknowledged', LONG, async () => {
  expect(await killPostgres(2)).toMatchObject(kept)
})

test('a batch that is sent again because its reply was cut off is stored once', LONG, async () => {
  const { acknowledged, stored } = await cutReplies(24)
  expect(stored).toBe(acknowledged)
})

test.skipIf(!canMount())('a full disk is a 503, and passes by itself', LONG, async () => {
  expect(await fillDisk(1)).toMatchObject(kept)
})

for (const queue of ['Redis', 'PostgreSQL'] as const) {
  test.skipIf(queue === 'Redis' && redisUrl() === undefined)(
    `kill -9 of workers in mid-run changes nothing that the runs say, with jobs in ${queue}`,
    LONG,
    async () => {
      expect(await killReconciler(4, queue)).toMatchObject({ kills: 4 })
    },
  )
}

test(
  'kill -9 of reconcilers that tell a webhook which fails: it hears every state, in order',
  LONG,
  async () => {
    expect(await killAlerting(2)).toMatchObject({ kills: 2 })
  },
)

test(
  'two systems under live traffic and faults: what is reported is what differs for good',
  LONG,
  async () => {
    expect(await watchForDivergence(60_000)).toMatchObject({ runs: expect.any(Number) })
  },
)

test(
  '64 writers, some rolled back, and a transaction that idles elsewhere: the tail sees each event once',
  LONG,
  async () => {
    const tailed = await tailUnderWriters(8_000, 64)
    expect(tailed).toMatchObject({ skipped: 0, twice: 0, unreal: 0 })
    expect(tailed.rolledBack).toBeGreaterThan(0)
  },
)
