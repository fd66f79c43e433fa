import { setTimeout as sleep } from 'node:timers/promises'
import type { BatchReceipt, EventBatch, Finding, StoredEvent } from '@syncproof/core/contract'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase, redisUrl } from '../../tools/testing/servers.ts'
import { cli, freePort, type RunningCli, startCli } from './support/cli.ts'
import { createReporter, post } from './support/telemetry.ts'

const KEY = 'kill-test-key'
const SENDERS = 4
const KILLS = 3
/** Acknowledged batches between two kills. */
const BATCHES_BETWEEN_KILLS = 25
const OPERATIONS_PER_BATCH = 5
const CATCH_UP_MS_MAX = 60_000

interface Traffic {
  /** Batches that were answered 202. */
  readonly acknowledged: readonly EventBatch[]
  /** Entities whose update was lost, in acknowledged batches. */
  lost(): ReadonlySet<string>
  /** How often no answer came. */
  unanswered(): number
  /** The senders finish what they are at. */
  stop(): Promise<void>
}

/** Senders as an SDK is one: a batch is sent again, the same one, until it is acknowledged. */
function startTraffic(url: string): Traffic {
  const acknowledged: EventBatch[] = []
  const lost = new Set<string>()
  let unanswered = 0
  let stopped = false
  const sender = async (number: number) => {
    const reporter = createReporter()
    for (let count = 0; !stopped; count++) {
      const ids = Array.from({ length: OPERATIONS_PER_BATCH }, (_, index) => `${number}-${count}-${index}`)
      const batch = reporter.batch(ids.flatMap((id, index) => reporter.operation(id, index === 0)))
      while ((await post(url, KEY, batch).catch(() => undefined))?.status !== 202) {
        unanswered++
        await sleep(20)
      }
      acknowledged.push(batch)
      lost.add(ids[0] ?? '')
    }
  }
  const senders = Promise.all(Array.from({ length: SENDERS }, (_, number) => sender(number)))
  onTestFinished(async () => {
    stopped = true
  })
  return {
    acknowledged,
    lost: () => lost,
    unanswered: () => unanswered,
    async stop() {
      stopped = true
      await senders
    },
  }
}

async function pair(redis: string | undefined) {
  const database = await freshDatabase()
  onTestFinished(() => database.drop())
  await migrateStore({ url: database.url })
  const store = openStore({ url: database.url, poolMax: 2 })
  onTestFinished(() => store.close())
  const port = String(await freePort())
  const env = { SYNCPROOF_API_KEY: KEY, SYNCPROOF_DATABASE_URL: database.url, SYNCPROOF_LOG_LEVEL: 'error' }
  const startCollector = async () => {
    const collector = startCli(['collector', '--port', port, '--metrics-port', '0'], { env })
    await collector.says(/^Collector: /m)
    return collector
  }
  const startReconciler = () =>
    startCli(['reconciler', '--json', '--metrics-port', '0', ...(redis ? ['--redis', redis] : [])], { env })
  return { url: `http://127.0.0.1:${port}`, env, store, startCollector, startReconciler }
}

/** Every event of every acknowledged batch is in the store, and nothing is there twice. */
async function expectNoEventLost(url: string, store: Store, batches: readonly EventBatch[]) {
  for (const batch of batches) {
    const { body } = await post(url, KEY, batch)
    const { accepted, duplicates } = body as BatchReceipt
    expect({ accepted, duplicates }).toEqual({ accepted: 0, duplicates: batch.events.length })
  }
  for (const batch of batches) {
    for (const event of batch.events) {
      if (event.kind !== 'write') continue
      const { items } = await store.events.timeline('default', event.entity, { limit: 100 })
      const ids = items.map((item: StoredEvent) => item.id)
      expect(ids.filter((id) => id === event.id)).toEqual([event.id])
    }
  }
}

/** A finding for each lost update, exactly one, and none for any other entity. */
async function expectNoFindingLost(url: string, lost: ReadonlySet<string>) {
  const env = { SYNCPROOF_URL: url, SYNCPROOF_API_KEY: KEY }
  const words = ['findings', '--json', '--kind', 'lost-update', '--limit', '100000']
  const found = async () => {
    const { code, stdout } = await cli(words, { env })
    const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] }
    expect(code).toBe(findings.length > 0 ? 1 : 0)
    return findings.map((finding) => finding.entity?.id).sort()
  }
  await expect.poll(found, { timeout: CATCH_UP_MS_MAX, interval: 500 }).toEqual([...lost].sort())
}

async function untilAcknowledged(traffic: Traffic, count: number) {
  await expect
    .poll(() => traffic.acknowledged.length, { timeout: CATCH_UP_MS_MAX, interval: 5 })
    .toBeGreaterThanOrEqual(count)
}

const redis = redisUrl()
const transports = [
  { jobs: 'PostgreSQL', redis: undefined },
  ...(redis === undefined ? [] : [{ jobs: 'Redis', redis }]),
]

describe.each(transports)('collector and reconciler as separate processes, jobs in $jobs', ({ redis }) => {
  it('kill -9 of the collector in mid-run loses no acknowledged event and no finding', async () => {
    const { url, store, startCollector, startReconciler } = await pair(redis)
    let collector: RunningCli = await startCollector()
    startReconciler()
    const traffic = startTraffic(url)
    for (let kill = 0; kill < KILLS; kill++) {
      await untilAcknowledged(traffic, traffic.acknowledged.length + BATCHES_BETWEEN_KILLS)
      const unanswered = traffic.unanswered()
      expect(await collector.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
      await expect.poll(() => traffic.unanswered()).toBeGreaterThan(unanswered)
      collector = await startCollector()
    }
    await untilAcknowledged(traffic, traffic.acknowledged.length + BATCHES_BETWEEN_KILLS)
    await traffic.stop()
    await expectNoEventLost(url, store, traffic.acknowledged)
    await expectNoFindingLost(url, traffic.lost())
  })

  it('kill -9 of the reconciler in mid-run loses no acknowledged event and no finding', async () => {
    const { url, store, startCollector, startReconciler } = await pair(redis)
    await startCollector()
    const traffic = startTraffic(url)
    for (let kill = 0; kill < KILLS; kill++) {
      // What piles up while nobody judges is what the next one is in the middle of when it is killed.
      await untilAcknowledged(traffic, traffic.acknowledged.length + BATCHES_BETWEEN_KILLS)
      const reconciler = startReconciler()
      await reconciler.says(/"type":"finding"/)
      expect(await reconciler.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
      const { events } = await store.detection.lag()
      expect(events).toBeGreaterThan(0)
    }
    startReconciler()
    await traffic.stop()
    await expectNoEventLost(url, store, traffic.acknowledged)
    await expectNoFindingLost(url, traffic.lost())
  })
})
