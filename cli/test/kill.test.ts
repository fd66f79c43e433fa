import { setTimeout as sleep } from 'node:timers/promises'
import type { EntityRef, EventBatch, Finding } from '@syncproof/core/contract'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freshDatabase, redisUrl } from '../../tools/testing/servers.ts'
import { cli, freePort, type RunningCli, startCli } from './support/cli.ts'
import { createReporter, post } from './support/telemetry.ts'

const KEY = 'kill-test-key'
const SENDERS = 4
const KILLS = 3
const OPERATIONS_PER_BATCH = 5
/** More than one step of detection on each lane, so that the kill finds it at work. */
const BURST_BATCHES = 400
/** Between bursts the senders go on, slowly. */
const TRICKLE_MS = 200
const CATCH_UP_MS_MAX = 60_000
const SOON = { timeout: CATCH_UP_MS_MAX, interval: 5 }

interface Traffic {
  /** Batches that were answered 202. */
  readonly acknowledged: readonly EventBatch[]
  /** How often no answer came. */
  unanswered(): number
  /** Sends at full speed until so many more batches are acknowledged. */
  burst(batches: number): Promise<void>
  /** The senders finish what they are at. */
  stop(): Promise<void>
}

/** Senders as an SDK is one: a batch is sent again, the same one, until it is acknowledged. Each batch is about
 *  an entity of its own, on which one of its operations loses an update. */
function startTraffic(url: string): Traffic {
  const acknowledged: EventBatch[] = []
  let unanswered = 0
  let target = 0
  let stopped = false
  const sender = async (number: number) => {
    const reporter = createReporter()
    for (let count = 0; !stopped; count++) {
      const id = `${number}-${count}`
      const operations = Array.from({ length: OPERATIONS_PER_BATCH }, (_, index) => index)
      const batch = reporter.batch(operations.flatMap((index) => reporter.operation(id, index === 0)))
      while ((await post(url, KEY, batch).catch(() => undefined))?.status !== 202) {
        unanswered++
        await sleep(20)
      }
      acknowledged.push(batch)
      if (acknowledged.length >= target) await sleep(TRICKLE_MS)
    }
  }
  const senders = Promise.all(Array.from({ length: SENDERS }, (_, number) => sender(number)))
  onTestFinished(() => {
    stopped = true
  })
  return {
    acknowledged,
    unanswered: () => unanswered,
    async burst(batches) {
      target = acknowledged.length + batches
      await expect.poll(() => acknowledged.length, SOON).toBeGreaterThanOrEqual(target)
    },
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

/** Every event of every acknowledged batch is in the store, once. */
async function expectNoEventLost(url: string, store: Store, batches: readonly EventBatch[]) {
  // Before anything is sent again: that would put back what is missing.
  for (const batch of batches) {
    const aboutEntity = batch.events.filter((event) => 'entity' in event)
    const { items } = await store.events.timeline('default', entityOf(batch), { limit: 100 })
    expect(idsOf(items)).toEqual(idsOf(aboutEntity))
  }
  for (const batch of batches) {
    const { body } = await post(url, KEY, batch)
    expect(body).toEqual({ accepted: 0, duplicates: batch.events.length, rejected: [] })
  }
}

/** One finding for each update that was lost, and none for anything else. */
async function expectNoFindingLost(url: string, batches: readonly EventBatch[]) {
  const env = { SYNCPROOF_URL: url, SYNCPROOF_API_KEY: KEY }
  const words = ['findings', '--json', '--kind', 'lost-update', '--limit', '100000']
  const lost = batches.map((batch) => entityOf(batch).id)
  const difference = async () => {
    const { stdout } = await cli(words, { env })
    const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] }
    const found = findings.map((finding) => finding.entity?.id)
    const missing = lost.filter((id) => !found.includes(id))
    return {
      missing,
      tooMany: found.length - new Set(found).size,
      unfounded: found.length + missing.length - lost.length,
    }
  }
  await expect
    .poll(difference, { timeout: CATCH_UP_MS_MAX, interval: 500 })
    .toEqual({ missing: [], tooMany: 0, unfounded: 0 })
}

function entityOf(batch: EventBatch): EntityRef {
  const [first] = batch.events
  if (first?.kind !== 'operation_started') throw new Error('a batch starts with an operation')
  return first.entity
}

function idsOf(events: readonly { readonly id: string }[]): string[] {
  return events.map((event) => event.id).sort()
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
      const unanswered = traffic.unanswered()
      const bursting = traffic.burst(BURST_BATCHES)
      const some = traffic.acknowledged.length + BURST_BATCHES / 4
      await expect.poll(() => traffic.acknowledged.length, SOON).toBeGreaterThan(some)
      // Now, while all senders wait for an answer.
      expect(await collector.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
      await expect.poll(() => traffic.unanswered(), SOON).toBeGreaterThan(unanswered)
      collector = await startCollector()
      await bursting
    }
    await traffic.stop()
    await expectNoEventLost(url, store, traffic.acknowledged)
    await expectNoFindingLost(url, traffic.acknowledged)
  })

  it('kill -9 of the reconciler in mid-run loses no acknowledged event and no finding', async () => {
    const { url, store, startCollector, startReconciler } = await pair(redis)
    await startCollector()
    const traffic = startTraffic(url)
    for (let kill = 0; kill < KILLS; kill++) {
      // What piles up while nobody judges is what the next one is in the middle of when it is killed.
      await traffic.burst(BURST_BATCHES)
      const reconciler = startReconciler()
      await reconciler.says(/"type":"finding"/)
      expect(await reconciler.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
      const { events } = await store.detection.lag()
      expect(events).toBeGreaterThan(0)
    }
    startReconciler()
    await traffic.stop()
    await expectNoEventLost(url, store, traffic.acknowledged)
    await expectNoFindingLost(url, traffic.acknowledged)
  })
})
