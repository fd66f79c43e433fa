import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { filesOf } from '../../../dashboards/src/files.ts'
import {
  hasPrometheus,
  type Running,
  startAlertmanager,
  startPrometheus,
} from '../../../dashboards/test/prometheus.ts'
import { startWebhook } from '../../../dashboards/test/webhook.ts'
import { type Receiver, startReceiver } from '../../../services/reconciler/test/support/receiver.ts'
import { metricDefinitions } from '../../../tools/metrics/definitions.ts'
import { createApp } from '../../../tools/testing/sample-app.ts'
import { redisUrl } from '../../../tools/testing/servers.ts'
import { type Ats, startAts } from '../demo/ats.ts'
import { makeCandidates } from '../demo/candidates.ts'
import { seed } from '../demo/story.ts'
import { driveTraffic, planTraffic } from '../demo/traffic.ts'
import type { World } from '../demo/world.ts'
import { startSeparate } from '../demo/world-separate.ts'

const SEED = 'live'
const REQUESTS = 200
const CLIENTS = 12
const candidates = makeCandidates(SEED, 60, new Date('2026-11-01T00:00:00Z'))

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

/** What a user of Grafana has chosen. */
const chosen: Readonly<Record<string, string>> = {
  $__rate_interval: '1m',
  $pair: 'candidate',
  $entity_type: 'candidate',
  $operation: 'syncCandidate',
}

/** What the sink of the configuration was told of groups of divergences. */
const told = () =>
  hook.received
    .map(({ body }) => JSON.parse(body).data as { state: string; kind: string; pair: string | null })
    .filter(({ pair }) => pair === 'candidate')

const opened = new AsyncDisposableStack()
let hook: Receiver
let ats: Ats
let world: World
let prometheus: Running
let alertmanager: Running
let webhook: Awaited<ReturnType<typeof startWebhook>>

/** What Prometheus says now. */
async function query(expr: string): Promise<readonly { readonly metric: Record<string, string> }[]> {
  const reply = await fetch(`${prometheus.url}/api/v1/query?${new URLSearchParams({ query: expr })}`)
  const { status, data, error } = (await reply.json()) as {
    readonly status: string
    readonly error?: string
    readonly data?: { readonly result: readonly { readonly metric: Record<string, string> }[] }
  }
  if (status !== 'success') throw new Error(`${expr}: ${error}`)
  return data?.result ?? []
}

async function reconcile(): Promise<string | null> {
  const { id } = await world.api.reconcile('candidate')
  return vi.waitFor(
    async () => {
      const report = await world.api.report(id)
      expect(report.state).toBe('finished')
      return report.result
    },
    { timeout: 60_000, interval: 200 },
  )
}

/** An app whose release and sections the example's app has none of. */
async function sendSections(): Promise<void> {
  const { body } = createApp(1).batch(200)
  const reply = await fetch(`${world.api.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${world.api.key}`, 'content-type': 'application/json' },
    body,
  })
  expect(reply.status).toBe(202)
}

const scraped = (text: string) =>
  new Set(
    [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].map(([, name, type]) =>
      type === 'counter' ? `${name}_total` : name,
    ),
  )

describe.skipIf(!hasPrometheus())('the example, scraped by Prometheus', () => {
  beforeAll(async () => {
    ats = await startAts(SEED, candidates)
    opened.defer(() => ats.stop())
    hook = await startReceiver()
    opened.defer(() => hook.close())
    // see syncproof.config.ts
    vi.stubEnv('ALERT_URL', hook.url)
    const options = { port: 0, metricsPort: 0, redis: redisUrl() }
    world = await startSeparate(inject('postgresUrl'), ats, options, opened)
    await seed(world.database, candidates)
    webhook = await startWebhook()
    opened.defer(() => webhook.close())
    alertmanager = await startAlertmanager(webhook.url)
    opened.defer(() => alertmanager.stop())
    const targets = [world.metricsUrl, world.detectorMetricsUrl].map((url) => new URL(url).host)
    prometheus = await startPrometheus(targets, new URL(alertmanager.url).host)
    opened.defer(() => prometheus.stop())
    // what differs from now on is no baseline
    await vi.waitFor(async () => expect(await world.api.pairs()).toContain('candidate'), { timeout: 30_000 })
    expect(await reconcile()).toBe('clean')
    await vi.waitFor(async () => expect(await query('up{job="syncproof"} == 1')).toHaveLength(2), {
      timeout: 30_000,
    })
    await sendSections()
    const candidateIds = candidates.map(({ id }) => id)
    const steps = planTraffic({ seed: SEED, requests: REQUESTS, candidateIds })
    const { signal } = new AbortController()
    // in two halves, so that what is counted grows while it is scraped
    for (const half of [steps.slice(0, steps.length / 2), steps.slice(steps.length / 2)]) {
      await driveTraffic(world.appUrl, half, { clients: CLIENTS, log: [], signal })
      await sendSections()
    }
    await vi.waitFor(() => expect(ats.proxy.inFlight()).toBe(0), { timeout: 30_000 })
    await ats.tamper(candidateIds)
    expect(await reconcile()).toBe('diverged')
  }, 240_000)
  afterAll(() => opened.disposeAsync(), 60_000)

  test('exports what docs/metrics.md says, and nothing else', async () => {
    const services = { collector: world.metricsUrl, reconciler: world.detectorMetricsUrl }
    const definitions = await metricDefinitions()
    for (const [service, url] of Object.entries(services)) {
      const reply = await fetch(url)
      expect(reply.headers.get('content-type')).toContain('application/openmetrics-text; version=1.0.0')
      const text = await reply.text()
      const ours = [...scraped(text)].filter((name) => name?.startsWith('syncproof_'))
      const said = definitions.filter((definition) => definition.service === service)
      expect(ours.sort()).toEqual(said.map(({ name }) => name).sort())
      expect([...scraped(text)]).toContain('process_resident_memory_bytes')
      for (const { name, labels } of said) {
        const samples = text.split('\n').filter((line) => line.startsWith(name))
        for (const sample of samples) {
          const own = [...(/^\w+\{(.*?)\} /.exec(sample)?.[1] ?? '').matchAll(/(\w+)="/g)].map(
            ([, label]) => label,
          )
          for (const label of own) expect([...labels, 'le'], sample).toContain(label)
        }
      }
    }
  })

  for (const [path, text] of filesOf({ grafana: '', docs: '/docs' })) {
    if (!path.endsWith('.json')) continue
    const { title: dashboard, panels } = JSON.parse(text) as { title: string; panels: readonly Panel[] }
    test(`no query of "${dashboard}" comes back empty`, async () => {
      const [pair] = await query('syncproof_pair_info{pair="candidate"}')
      const values = { ...chosen, $system: pair?.metric.target ?? '' }
      const exprs = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))
      for (const { title, expr } of exprs) {
        const full = Object.entries(values).reduce((all, [name, value]) => all.replaceAll(name, value), expr)
        await vi.waitFor(async () => expect(await query(full), `${title}: ${full}`).not.toEqual([]), {
          timeout: 20_000,
          interval: 500,
        })
      }
    }, 120_000)
  }

  test('a finding is in a scrape within ten seconds after the API shows it', async () => {
    const [scrapedFindings] = await query('sum(syncproof_findings_open)')
    expect(scrapedFindings).toBeDefined()
    const before = (await world.api.findings()).length
    await sendSections()
    await vi.waitFor(async () => expect((await world.api.findings()).length).toBeGreaterThan(before), {
      timeout: 30_000,
      interval: 50,
    })
    const shown = (await world.api.findings()).length
    const startedMs = performance.now()
    await vi.waitFor(
      async () => {
        const text = await (await fetch(world.metricsUrl)).text()
        const all = [...text.matchAll(/^syncproof_findings_by_status\{.*\} (\d+)$/gm)]
        expect(all.reduce((sum, [, value]) => sum + Number(value), 0)).toBeGreaterThanOrEqual(shown)
      },
      { timeout: 30_000, interval: 100 },
    )
    expect(performance.now() - startedMs).toBeLessThan(10_000)
  }, 60_000)

  test('an alert is told with what it is about, and told to be over once the data are right again', async () => {
    const ofDivergence = (status: string) =>
      webhook.told.filter(
        (told) => told.labels.alertname === 'SyncproofDivergenceOpen' && told.status === status,
      )
    await vi.waitFor(() => expect(ofDivergence('firing')).not.toEqual([]), { timeout: 60_000 })
    const [firing] = ofDivergence('firing')
    expect(firing).toMatchObject({
      receiver: 'team',
      labels: { severity: 'warning', entity_type: 'candidate' },
      annotations: {
        summary: 'The database and an external system do not agree.',
        runbook_url: '/docs/runbooks/SyncproofDivergenceOpen.md',
        dashboard_url: '/d/syncproof-pair',
      },
    })
    expect(firing?.annotations.description).toMatch(/^\d+ records of candidate differ from /)
    await vi.waitFor(() => expect(webhook.told.map(({ receiver }) => receiver)).toContain('watchdog'), {
      // Prometheus sends it again a minute after a time when Alertmanager was not there yet
      timeout: 100_000,
    })
    await repair()
    expect(await reconcile()).toBe('clean')
    await vi.waitFor(() => expect(ofDivergence('resolved')).not.toEqual([]), { timeout: 60_000 })
    // the sink of the configuration: one page a kind of divergence, and each is over
    await vi.waitFor(
      () => {
        const over = told().filter(({ state }) => state === 'resolved')
        expect(over).not.toEqual([])
        expect(told().filter(({ state }) => state === 'firing')).toHaveLength(over.length)
      },
      { timeout: 60_000 },
    )
  }, 240_000)
})

/** Brings the ATS to what the database says. */
async function repair(): Promise<void> {
  const { rows } = await world.database.query(
    "select to_jsonb(candidates) - 'revision' as row from candidates",
  )
  const right = new Map(
    rows.map((row) => [(row as { row: { id: string } }).row.id, (row as { row: object }).row]),
  )
  const there = new Set((await ats.records()).map(({ id }) => String(id)))
  const send = async (method: string, path: string, body?: object) => {
    const reply = await fetch(`${ats.url}/candidates${path}`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    expect(reply.ok, `${method} ${path}`).toBe(true)
  }
  for (const id of there) if (!right.has(id)) await send('DELETE', `/${id}`)
  for (const [id, record] of right)
    await (there.has(id) ? send('PUT', `/${id}`, record) : send('POST', '', record))
}
