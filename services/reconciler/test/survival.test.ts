import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { redisUrl } from '../../../tools/testing/servers.ts'
import { freePort, startRedis } from '../../../tools/testing/throwaway-servers.ts'
import { QueueUnavailableError, startReconciler } from '../src/index.ts'
import { PROJECT, reporter } from './support/events.ts'
import { candidates, flush, openWorld, type World } from './support/world.ts'

let world: World
const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await world.close()
})

/** A reconciler in a process of its own, once it has started. */
async function startChild(
  redis = 'redisUrl' in world.queue ? world.queue.redisUrl : '',
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [new URL('support/child-reconciler.ts', import.meta.url).pathname], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      STORE_URL: world.url,
      REDIS_URL: redis,
      SOURCE_URL: world.sourceUrl,
      ATS_URL: world.ats.url,
    },
  })
  children.push(child)
  if (child.stdout) await once(child.stdout, 'data')
  return child
}

async function found(findingId: string): Promise<void> {
  await vi.waitFor(async () => expect(await world.store.findings.get(PROJECT, findingId)).toBeDefined(), {
    timeout: 20_000,
  })
}

async function missingFindings() {
  const findings = await world.findings({ kind: 'missing-in-target' })
  return findings.map(({ entity, occurrences }) => [entity?.id, occurrences]).sort()
}

describe('a reconciler that is killed in mid-run', () => {
  it('is replaced by another, which finishes the same report, with nothing lost or twice', async () => {
    world = await openWorld('PostgreSQL', candidates(400))
    await world.start()
    await world.reconcile()
    await world.closeReconcilers()

    for (const id of ['k00011', 'k00222', 'k00333']) world.ats.records.delete(id)
    world.ats.latencyMs = 300
    const report = await world.store.reports.request(PROJECT, 'candidate', 'request', null)
    const child = await startChild()
    await vi.waitFor(() => expect(world.ats.listings).toBe(2), { timeout: 30_000 })
    expect(await world.store.reports.get(PROJECT, report?.id ?? '')).toMatchObject({ state: 'running' })
    const app = reporter()
    const lost = app.lostUpdate({ type: 'candidate', id: 'k00001' })
    child.kill('SIGKILL')
    await app.append(world.store, lost.events)

    world.ats.latencyMs = 0
    await world.start()
    const ended = await world.finished(report?.id ?? '')
    expect(ended).toMatchObject({ result: 'diverged', diverged: 3 })
    expect(await missingFindings()).toEqual([
      ['k00011', 1],
      ['k00222', 1],
      ['k00333', 1],
    ])
    await found(lost.findingId)
    const { items } = await world.store.reports.list(PROJECT, {}, { limit: 10 })
    expect(items).toHaveLength(2)
  })
})

describe('two reconcilers at once', () => {
  it('run each report once, and whole runs of one pair one after the other', async () => {
    world = await openWorld('PostgreSQL', candidates(150))
    await world.start()
    await world.start()
    world.ats.latencyMs = 100
    let open = 0
    let openMax = 0
    world.ats.onListing = (delta) => {
      open += delta
      openMax = Math.max(openMax, open)
    }
    const requested = await world.store.reports.request(PROJECT, 'candidate', 'request', null)
    const scheduled = await world.store.reports.request(PROJECT, 'candidate', 'schedule', null)
    await world.finished(requested?.id ?? '')
    await world.finished(scheduled?.id ?? '')
    expect(world.ats.listings).toBe(2)
    expect(openMax).toBe(1)
  })
})

describe('shutdown', () => {
  it('gives a running reconciliation back within five seconds, and another reconciler finishes it', async () => {
    world = await openWorld('PostgreSQL', candidates(400))
    const first = await world.start()
    world.ats.latencyMs = 1_000
    const report = await world.store.reports.request(PROJECT, 'candidate', 'request', null)
    await vi.waitFor(() => expect(world.ats.listings).toBe(1), { timeout: 20_000 })
    const startedMs = Date.now()
    await first.close()
    expect(Date.now() - startedMs).toBeLessThan(5_000)
    expect(await world.store.reports.get(PROJECT, report?.id ?? '')).toMatchObject({ state: 'running' })
    world.ats.latencyMs = 0
    await world.start()
    expect(await world.finished(report?.id ?? '')).toMatchObject({ result: 'clean' })
  })

  it('leaves nothing that keeps the process alive', async () => {
    world = await openWorld('PostgreSQL', candidates(5))
    const child = await startChild()
    const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))
    const startedMs = Date.now()
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(Date.now() - startedMs).toBeLessThan(5_000)
  })
})

describe.runIf(redisUrl() !== undefined)('a Redis that is flushed', () => {
  const redis = () => ('redisUrl' in world.queue ? world.queue.redisUrl : '')

  it('costs time only, even when the worker that ran a reconciliation is killed with it', async () => {
    world = await openWorld('Redis', candidates(400))
    world.ats.latencyMs = 300
    const child = await startChild()
    const report = await world.store.reports.request(PROJECT, 'candidate', 'request', null)
    await vi.waitFor(() => expect(world.ats.listings).toBe(1), { timeout: 30_000 })
    child.kill('SIGKILL')
    await flush(redis())
    world.ats.latencyMs = 0
    await world.start()
    expect(await world.finished(report?.id ?? '')).toMatchObject({ result: 'clean', trigger: 'request' })
    const { items } = await world.store.reports.list(PROJECT, {}, { limit: 10 })
    expect(items).toHaveLength(1)
  })

  it('stops neither the run that is going on, nor detection, nor the schedule', async () => {
    world = await openWorld('Redis', candidates(400))
    await world.start(world.pair({ every: '1h' }))
    world.ats.latencyMs = 300
    await vi.waitFor(() => expect(world.ats.listings).toBe(1), { timeout: 20_000 })
    await flush(redis())
    const [running] = (await world.store.reports.list(PROJECT, {}, { limit: 10 })).items
    expect(await world.finished(running?.id ?? '')).toMatchObject({ result: 'clean', trigger: 'schedule' })

    await flush(redis())
    const app = reporter()
    const lost = app.lostUpdate({ type: 'candidate', id: 'k00001' })
    await app.append(world.store, lost.events)
    await found(lost.findingId)
    world.ats.latencyMs = 0
    expect(await world.reconcile()).toMatchObject({ result: 'clean' })
    const { items } = await world.store.reports.list(PROJECT, {}, { limit: 10 })
    expect(items).toHaveLength(2)
    expect(world.ats.listings).toBe(2)
  })
})

describe.runIf(redisUrl() !== undefined)('a Redis that goes away', () => {
  it('does not keep a reconciler from ending within five seconds', async () => {
    const redis = await startRedis()
    if (redis === undefined) throw new Error('there is a Redis, but no redis-server to start')
    world = await openWorld('PostgreSQL', candidates(5))
    const child = await startChild(redis.url)
    const app = reporter()
    const before = app.lostUpdate({ type: 'candidate', id: 'before' })
    await app.append(world.store, before.events)
    await found(before.findingId)
    await redis.stop()

    const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))
    const startedMs = Date.now()
    child.kill('SIGTERM')
    expect(await exit).toBe(0)
    expect(Date.now() - startedMs).toBeLessThan(5_000)
  })

  it('is said at once where it is away from the start, without its password', async () => {
    world = await openWorld('PostgreSQL', [])
    const queue = { redisUrl: `redis://user:secret@127.0.0.1:${await freePort()}` }
    const options = { store: world.store, projectId: PROJECT, pairs: {}, queue, fingerprintKey: 'k' }
    const started = startReconciler({ ...options, metrics: new Registry() })
    await expect(started).rejects.toThrow(QueueUnavailableError)
    await expect(started).rejects.toThrow(/ECONNREFUSED/)
    await expect(started).rejects.not.toThrow(/secret/)
  })
})
