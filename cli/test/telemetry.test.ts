import { migrateStore } from '@syncproof/store'
import pg from 'pg'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { freePort } from '../../tools/testing/throwaway-servers.ts'
import { startCli } from './support/cli.ts'
import { createReporter } from './support/telemetry.ts'
import { startSinks } from './support/telemetry-sinks.ts'

const KEY = 'a-key-of-the-test'
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`

let database: FreshDatabase
let sinks: Awaited<ReturnType<typeof startSinks>>
beforeEach(async () => {
  database = await freshDatabase()
  await migrateStore({ url: database.url })
  sinks = await startSinks()
})
afterEach(async () => {
  await sinks.close()
  await database.drop()
})

/** Both services, as processes of their own. */
async function startServices(env: Readonly<Record<string, string>>) {
  const secrets = { SYNCPROOF_API_KEY: KEY, SYNCPROOF_FINGERPRINT_KEY: 'test', ...env }
  const port = await freePort()
  const common = ['--database', database.url, '--metrics-port', '0']
  const collector = startCli(['collector', ...common, '--port', String(port)], { env: secrets })
  const reconciler = startCli(['reconciler', ...common], { env: secrets })
  const [metricsUrl] = await Promise.all([
    collector.says(/Collector: API \S+ metrics (\S+),/),
    reconciler.says(/(Reconciler:)/),
  ])
  return { url: `http://127.0.0.1:${port}`, metricsUrl, services: [collector, reconciler] }
}

const ask = (url: string, body?: object) =>
  fetch(url, {
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json', traceparent: TRACEPARENT },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  })

async function loseUpdate(url: string): Promise<void> {
  const app = createReporter()
  expect((await ask(`${url}/v1/events`, app.batch(app.operation('c-1', true)))).status).toBe(202)
}

it('one trace goes from the batch to the finding, and a fault of a service is told to Sentry with its id', async () => {
  const { url, metricsUrl, services } = await startServices({
    OTEL_EXPORTER_OTLP_ENDPOINT: sinks.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_BSP_SCHEDULE_DELAY: '200',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    SENTRY_DSN: sinks.sentryDsn,
  })
  await loseUpdate(url)
  await vi.waitFor(
    () => {
      const ours = sinks.spans.filter(({ traceId }) => traceId === TRACE)
      const names = ours.map(({ service, name }) => `${service}: ${name}`)
      expect(names).toContain('syncproof-collector: POST /v1/events')
      expect(names).toContainEqual(expect.stringMatching(/^syncproof-collector: pg/))
      expect(names).toContain('syncproof-reconciler: finding lost-update')
    },
    { timeout: 30_000, interval: 200 },
  )
  expect(sinks.spans.find(({ name }) => name === 'finding lost-update')?.attributes).toMatchObject({
    'syncproof.finding.kind': 'lost-update',
    'syncproof.finding.verdict': 'proven',
    'syncproof.operation': 'syncCandidate',
  })
  const metrics = await (await fetch(metricsUrl)).text()
  expect(metrics).toMatch(
    new RegExp(`^syncproof_ingest_duration_seconds_bucket.* # \\{trace_id="${TRACE}"\\}`, 'm'),
  )
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('alter table syncproof.findings rename column summary to gone')
  await client.end()
  expect((await ask(`${url}/v1/findings`)).status).toBe(500)
  await vi.waitFor(
    () => {
      const told = sinks.envelopes.filter((envelope) => envelope.includes('"exception"'))
      expect(told.join('\n')).toContain(TRACE)
      expect(told.join('\n')).toMatch(/summary/)
    },
    { timeout: 30_000, interval: 200 },
  )
  // nothing of what people keep secret
  expect(sinks.envelopes.join('\n')).not.toContain(KEY)
  for (const service of services) expect(await service.kill('SIGTERM')).toMatchObject({ code: 0 })
}, 120_000)

it('an endpoint that is not there changes nothing: findings come, and the services end as they do', async () => {
  const away = `http://127.0.0.1:${await freePort()}`
  const { url, services } = await startServices({
    OTEL_EXPORTER_OTLP_ENDPOINT: away,
    SENTRY_DSN: away.replace('://', '://key@').concat('/1'),
  })
  await loseUpdate(url)
  await vi.waitFor(
    async () => {
      const { items } = (await (await ask(`${url}/v1/findings?kind=lost-update`)).json()) as {
        items: unknown[]
      }
      expect(items).toHaveLength(1)
    },
    { timeout: 30_000, interval: 200 },
  )
  for (const service of services) {
    const startedMs = performance.now()
    expect(await service.kill('SIGTERM')).toMatchObject({ code: 0 })
    expect(performance.now() - startedMs).toBeLessThan(15_000)
    expect(service.stderr()).not.toMatch(/ECONNREFUSED|OTLP/)
  }
}, 120_000)

it('without an endpoint and a DSN nothing of either is loaded', async () => {
  const { services } = await startServices({ NODE_DEBUG: 'module,esm' })
  for (const service of services) {
    expect(service.stderr()).not.toContain('sdk-node')
    await service.kill('SIGTERM')
  }
}, 60_000)
