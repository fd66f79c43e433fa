import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type DetectedFinding, findingId } from '@syncproof/core/contract'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ReconcilerOptions, startReconciler } from '../src/index.ts'
import { pagerduty, slack, webhook } from '../src/sinks/index.ts'
import { FINGERPRINT_KEY, PROJECT, reporter } from './support/events.ts'
import { type Receiver, startReceiver } from './support/receiver.ts'
import { candidates, flush, openWorld, transports, type World } from './support/world.ts'

const TIMES = { retryMs: 50, retryMsMax: 200, leaseMs: 3_000 }
const KEY = 'a'.repeat(32)

let world: World
let hook: Receiver
const children: ChildProcess[] = []
beforeEach(async () => {
  hook = await startReceiver()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await world.close()
  await hook.close()
})

interface Told {
  readonly state: string
  readonly kind: string
  readonly dedup_key: string
  readonly open: number
  readonly findings: number
  readonly summary: string
  readonly title: string
}

const told = (receiver = hook): readonly Told[] => receiver.received.map(({ body }) => JSON.parse(body).data)
const states = (receiver = hook) => told(receiver).map(({ state }) => state)
const isTold = (expected: readonly string[], receiver = hook) =>
  vi.waitFor(() => expect(states(receiver)).toEqual(expected), { timeout: 30_000, interval: 50 })

/** Until everything that could be said has been: a finding that is certain to be told comes after all before it. */
async function quiet(): Promise<void> {
  const before = told().length
  await world.store.findings.record(PROJECT, [
    lost(`quiet-${Math.random()}`, { cause: { operation: `q${Math.random()}` } }),
  ])
  await vi.waitFor(() => expect(told().length).toBeGreaterThan(before), { timeout: 30_000 })
}

const alerting = (more: Partial<ReconcilerOptions> = {}): Partial<ReconcilerOptions> => ({
  alerts: [webhook({ url: hook.url })],
  alertTimes: TIMES,
  ...more,
})

function lost(n: string, more: Partial<DetectedFinding> = {}): DetectedFinding {
  return {
    id: findingId('lost-update', n),
    kind: 'lost-update',
    verdict: 'proven',
    severity: 'high',
    entity: { type: 'candidate', id: n },
    fields: ['status'],
    summary: 'An update was lost.',
    cause: { operation: 'syncCandidate' },
    witness: { events: [] },
    occurred_at: new Date().toISOString(),
    details: {},
    ...more,
  }
}

const groups = async () => (await world.store.groups.list(PROJECT, {}, { limit: 100 })).items

describe.each(transports())('with jobs in %s, an alert', (transport) => {
  it('reaches a sink within ten seconds of its finding, and its record says so', async () => {
    world = await openWorld(transport, candidates(5))
    await world.start(world.pair(), alerting())
    const app = reporter()
    const { events, findingId: id } = app.lostUpdate({ type: 'candidate', id: 'k00001' })
    await app.append(world.store, events)
    await vi.waitFor(async () => expect(await world.store.findings.get(PROJECT, id)).toBeDefined(), {
      timeout: 30_000,
      interval: 20,
    })
    const foundMs = Date.now()
    await vi.waitFor(() => expect(told().map(({ kind }) => kind)).toContain('lost-update'), {
      timeout: 30_000,
    })
    expect(Date.now() - foundMs).toBeLessThan(10_000)
    await vi.waitFor(async () => {
      const group = (await groups()).find(({ kind }) => kind === 'lost-update')
      expect(group?.alerts).toMatchObject([
        {
          sink: 'webhook',
          state: 'firing',
          status: 'delivered',
          attempts: 1,
          answer: '200 ok',
          due_at: null,
        },
      ])
    })
  })
})

describe('divergences of one cause', () => {
  it('are one page however many there are, and over when a whole run has found none', async () => {
    const count = 500
    world = await openWorld('PostgreSQL', candidates(count))
    await world.start(world.pair(), alerting())
    await world.reconcile()
    const [first] = world.ats.records.values()
    const all = [...world.ats.records.values()]
    world.ats.records.clear()
    world.ats.records.set(first?.id ?? '', first as never)
    await world.reconcile()
    await isTold(['firing'])
    expect(told()[0]).toMatchObject({
      kind: 'missing-in-target',
      open: count - 1,
      title: 'missing-in-target in pair candidate',
    })
    // the next run finds them again, and says nothing new
    await world.reconcile()
    for (const record of all) world.ats.records.set(record.id, record)
    // one of them alone, by its key, is not the end
    await world.reconcile([all[5]?.id ?? ''])
    await quiet()
    expect(states().filter((state) => state === 'resolved')).toEqual([])
    await world.reconcile()
    await vi.waitFor(() => expect(states()).toContain('resolved'), { timeout: 30_000 })
    const last = told().find(({ state }) => state === 'resolved')
    expect(last).toMatchObject({ kind: 'missing-in-target', dedup_key: told()[0]?.dedup_key, open: 0 })
    expect(last?.summary).toContain('whole reconciliation of candidate')
    expect(told().filter(({ kind }) => kind === 'missing-in-target')).toHaveLength(2)
  })

  it('that were there before anybody watched page nobody', async () => {
    world = await openWorld('PostgreSQL', candidates(10))
    world.ats.records.delete('k00003')
    await world.start(world.pair(), alerting())
    expect(await world.reconcile()).toMatchObject({ baseline: true, diverged: 1 })
    await quiet()
    expect(told().map(({ kind }) => kind)).toEqual(['lost-update'])
  })
})

describe('nobody is told of', () => {
  it('what is undecided, predicted, acknowledged or muted', async () => {
    world = await openWorld('PostgreSQL', candidates(1))
    await world.store.findings.record(PROJECT, [
      lost('1', { id: 'f_1', kind: 'unknown-outcome', verdict: 'indeterminate' }),
      lost('2', { id: 'f_2', kind: 'read-before-lock', verdict: 'hazard' }),
      lost('3', { cause: { operation: 'acknowledged' } }),
      lost('4', { cause: { operation: 'muted' } }),
      lost('5', { cause: { operation: 'group' } }),
    ])
    await world.store.findings.patch(PROJECT, findingId('lost-update', '3'), { status: 'acknowledged' })
    await world.store.findings.patch(PROJECT, findingId('lost-update', '4'), { status: 'muted' })
    const muted = (await groups()).find(({ operation }) => operation === 'group')
    await world.store.groups.patch(PROJECT, muted?.id ?? '', { status: 'muted' })
    await world.store.findings.record(PROJECT, [lost('6', { cause: { operation: 'group' } })])
    await world.start(world.pair(), alerting())
    await quiet()
    expect(told()).toHaveLength(1)
  })
})

describe('a group', () => {
  it('is acknowledged when all that is open is, fires again with the next finding, and is over when it is muted', async () => {
    world = await openWorld('PostgreSQL', candidates(1))
    await world.start(world.pair(), alerting())
    await world.store.findings.record(PROJECT, [lost('1'), lost('2')])
    await isTold(['firing'])
    await world.store.findings.patch(PROJECT, findingId('lost-update', '1'), { status: 'acknowledged' })
    await quiet()
    const [group] = (await groups()).filter(({ operation }) => operation === 'syncCandidate')
    await world.store.groups.patch(PROJECT, group?.id ?? '', { status: 'acknowledged' })
    const own = () =>
      told()
        .filter(({ title }) => title.includes('syncCandidate'))
        .map(({ state }) => state)
    await vi.waitFor(() => expect(own()).toEqual(['firing', 'acknowledged']), { timeout: 30_000 })
    await world.store.findings.record(PROJECT, [lost('3')])
    await vi.waitFor(() => expect(own()).toEqual(['firing', 'acknowledged', 'firing']), { timeout: 30_000 })
    await world.store.groups.patch(PROJECT, group?.id ?? '', { status: 'muted' })
    await vi.waitFor(() => expect(own().at(-1)).toBe('resolved'), { timeout: 30_000 })
    expect(told().at(-1)?.summary).toMatch(/muted/)
  })

  it('goes to the sinks that its owner, severity and kind lead to, and to no other', async () => {
    const [hiring, urgent, kinds] = await Promise.all([startReceiver(), startReceiver(), startReceiver()])
    world = await openWorld('PostgreSQL', candidates(1))
    const alerts = [
      webhook({ url: hiring.url, name: 'hiring', only: { owners: ['team-hiring'] } }),
      pagerduty({ url: urgent.url, routingKey: KEY }),
      webhook({ url: kinds.url, name: 'skew', only: { kinds: ['write-skew'] } }),
      webhook({ url: hook.url }),
    ]
    const options = alerting({ alerts, operationOwners: { billCandidate: 'team-billing' } })
    await world.start(world.pair({ owner: 'team-hiring', entityType: 'candidate' }), options)
    await world.store.findings.record(PROJECT, [
      lost('1', { cause: { operation: 'billCandidate' }, severity: 'critical' }),
      lost('2', { cause: { operation: 'syncCandidate' }, severity: 'low' }),
    ])
    await isTold(['firing', 'firing'])
    await isTold(['firing'], hiring)
    expect(told(hiring)[0]).toMatchObject({ title: 'lost-update by syncCandidate on candidate' })
    await vi.waitFor(() => expect(urgent.received).toHaveLength(1), { timeout: 30_000 })
    expect(urgent.received[0]?.body).toContain('billCandidate')
    expect(kinds.received).toEqual([])
    // it becomes graver: the pager is told, and the others have been
    await world.store.findings.record(PROJECT, [lost('3', { severity: 'critical' })])
    await vi.waitFor(() => expect(urgent.received).toHaveLength(2), { timeout: 30_000 })
    expect(hiring.received).toHaveLength(1)
    await Promise.all([hiring.close(), urgent.close(), kinds.close()])
  })
})

describe('maintenance', () => {
  it('holds pages back and tells them afterwards where they still hold; the report says so', async () => {
    world = await openWorld('PostgreSQL', candidates(20))
    await world.start(world.pair(), alerting())
    await world.reconcile()
    const window = await world.store.maintenance.start(PROJECT, {
      pairs: ['candidate'],
      reason: 'bulk import',
      forMs: 600_000,
    })
    const record = world.ats.records.get('k00007')
    world.ats.records.delete('k00007')
    expect(await world.reconcile()).toMatchObject({ diverged: 1, maintenance: 'bulk import' })
    await vi.waitFor(async () => expect((await groups())[0]).toMatchObject({ maintenance: 'bulk import' }))
    await world.store.findings.record(PROJECT, [lost('1', { entity: { type: 'job', id: '1' } })])
    await isTold(['firing'])
    expect(told()[0]).toMatchObject({ kind: 'lost-update' })
    await world.store.maintenance.end(PROJECT, window.id)
    await isTold(['firing', 'firing'])
    // what is over is told at once
    await world.store.maintenance.start(PROJECT, { pairs: null, reason: 'again', forMs: 600_000 })
    world.ats.records.set('k00007', record as never)
    await world.reconcile()
    await isTold(['firing', 'firing', 'resolved'])
  })

  it('of the configuration is there from the start of a reconciler, and gone when it is gone from there', async () => {
    world = await openWorld('PostgreSQL', candidates(1))
    const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
    const maintenance = [{ pairs: null, reason: 'nightly', starts_at: day(-1), ends_at: day(1) }]
    const first = await world.start(world.pair(), alerting({ maintenance }))
    expect(await world.store.maintenance.list(PROJECT)).toMatchObject([
      { reason: 'nightly', configured: true },
    ])
    await first.close()
    await world.start(world.pair(), alerting({ maintenance: [] }))
    expect(await world.store.maintenance.list(PROJECT)).toEqual([])
  })
})

describe('a sink that is away', () => {
  it('is told every state afterwards, in order and none twice', async () => {
    world = await openWorld('PostgreSQL', candidates(20))
    await hook.down()
    await world.start(world.pair(), alerting())
    await world.reconcile()
    const record = world.ats.records.get('k00007')
    for (let round = 0; round < 2; round += 1) {
      world.ats.records.delete('k00007')
      await world.reconcile()
      await raised((round + 1) * 2 - 1)
      world.ats.records.set('k00007', record as never)
      await world.reconcile()
      await raised((round + 1) * 2)
    }
    const failed = await world.metrics.getSingleMetricAsString('syncproof_alert_deliveries_total')
    expect(failed).toMatch(/sink="webhook",result="failed"} [1-9]/)
    await hook.up()
    await isTold(['firing', 'resolved', 'firing', 'resolved'])
    await quiet()
    const ids = hook.received.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('that refuses a message for ever costs no other, and its record and the metrics say so', async () => {
    world = await openWorld('PostgreSQL', candidates(1))
    const refusing = await startReceiver(400)
    await world.start(
      world.pair(),
      alerting({ alerts: [slack({ url: refusing.url }), webhook({ url: hook.url })] }),
    )
    await world.store.findings.record(PROJECT, [lost('1')])
    await isTold(['firing'])
    await vi.waitFor(
      async () =>
        expect((await groups())[0]?.alerts).toEqual(
          expect.arrayContaining([
            expect.objectContaining({ sink: 'slack', status: 'given_up', answer: '400 ok', attempts: 1 }),
          ]),
        ),
      { timeout: 30_000 },
    )
    const metrics = await world.metrics.getSingleMetricAsString('syncproof_alert_deliveries_total')
    expect(metrics).toMatch(/sink="slack",result="given_up"} 1/)
    expect(world.logged.join('\n')).toContain('alert sink slack does not take')
    await refusing.close()
  })

  it('that hangs holds up no other sink, however much it is to hear', async () => {
    world = await openWorld('PostgreSQL', candidates(1))
    const hanging = await startReceiver()
    hanging.answer = () => {}
    const alerts = [slack({ url: hanging.url }), webhook({ url: hook.url })]
    const many = Array.from({ length: 60 }, (_, n) => lost(`${n}`, { cause: { operation: `f${n}` } }))
    await world.store.findings.record(PROJECT, many)
    await world.start(world.pair(), alerting({ alerts }))
    await isTold(many.map(() => 'firing'))
    await hanging.close()
  })
})

describe('two reconcilers', () => {
  it('send each message once', async () => {
    world = await openWorld(transports()[0] ?? 'PostgreSQL', candidates(1))
    await world.start(world.pair(), alerting())
    await world.start(world.pair(), alerting())
    // long enough that the other one would take it, too
    hook.answer = (response) => setTimeout(() => response.end('ok'), 300)
    for (let n = 0; n < 10; n += 1) {
      await world.store.findings.record(PROJECT, [lost(`${n}`, { cause: { operation: `f${n}` } })])
    }
    await isTold(Array(10).fill('firing'))
    await quiet()
    expect(new Set(told().map(({ title }) => title)).size).toBe(told().length)
  })
})

describe('what is decided is told', () => {
  async function startChild(redis: string): Promise<ChildProcess> {
    const program = new URL('support/alert-child.ts', import.meta.url).pathname
    const child = spawn(process.execPath, [program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, STORE_URL: world.url, REDIS_URL: redis, HOOK_URL: hook.url },
    })
    children.push(child)
    if (child.stdout) await once(child.stdout, 'data')
    return child
  }

  it('also where the reconciler is killed while it sends, with the same id', async () => {
    world = await openWorld('PostgreSQL', candidates(1))
    hook.answer = () => {}
    const child = await startChild('')
    await world.store.findings.record(PROJECT, [lost('1')])
    await isTold(['firing'])
    child.kill('SIGKILL')
    await once(child, 'exit')
    hook.answer = (response) => response.end('ok')
    await startReconciler({
      ...{ store: world.store, projectId: PROJECT, pairs: {}, queue: world.queue },
      ...{ fingerprintKey: FINGERPRINT_KEY, metrics: world.metrics, ...alerting() },
    }).then(async (reconciler) => {
      // the lease of the one that was killed runs out
      await vi.waitFor(() => expect(states()).toEqual(['firing', 'firing']), { timeout: 60_000 })
      await reconciler.close()
    })
    const ids = hook.received.map(({ headers }) => headers['webhook-id'])
    expect(new Set(ids).size).toBe(1)
    expect((await groups())[0]?.alerts).toMatchObject([{ status: 'delivered', attempts: 2 }])
  })

  it('also where Redis forgets its jobs', async () => {
    const transport = transports().find((one) => one === 'Redis')
    world = await openWorld(transport ?? 'PostgreSQL', candidates(1))
    await world.start(world.pair(), alerting())
    hook.answer = (response) => response.writeHead(503).end()
    await world.store.findings.record(PROJECT, [lost('1')])
    await vi.waitFor(() => expect(states().length).toBeGreaterThan(1), { timeout: 30_000 })
    if ('redisUrl' in world.queue) await flush(world.queue.redisUrl)
    hook.answer = (response) => response.end('ok')
    await vi.waitFor(
      async () => expect((await groups())[0]?.alerts).toMatchObject([{ status: 'delivered' }]),
      {
        timeout: 30_000,
      },
    )
  })
})

/** Until so many messages have been decided, whether or not they could be sent. */
async function raised(count: number): Promise<void> {
  await vi.waitFor(async () => expect((await groups()).flatMap(({ alerts }) => alerts)).toHaveLength(count), {
    timeout: 30_000,
  })
}
