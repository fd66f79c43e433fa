import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createSchema } from '../src/schema.ts'
import { ATS_TIMEOUT_MS, type Ats } from './ats.ts'
import { type Child, startChild } from './children.ts'
import { createDatabases, openPool } from './databases.ts'
import { freePort } from './free-port.ts'
import { createReportApi } from './report-api.ts'
import { waitFor } from './wait.ts'
import { LOOPBACK, type World, type WorldOptions } from './world.ts'

const START_MS_MAX = 60_000
const POOL_CONNECTIONS_MAX = 2

const CLI = new URL('main.ts', import.meta.resolve('syncproof'))
const APP = new URL('../src/main.ts', import.meta.url)
const CONFIG = fileURLToPath(new URL('../syncproof.config.ts', import.meta.url))

/** App, collector and reconciler each as a process of its own, on a real PostgreSQL and, where given, Redis.
 *  What was opened is handed to `opened` and closed in reverse order. */
export async function startSeparate(
  server: string,
  ats: Ats,
  options: WorldOptions,
  opened: AsyncDisposableStack,
): Promise<World> {
  const databases = await createDatabases(server)
  opened.defer(() => databases.drop())
  const { pool, close } = openPool(databases.app, POOL_CONNECTIONS_MAX)
  opened.defer(close)
  await createSchema(pool)

  const port = options.port || (await freePort())
  const url = `http://${LOOPBACK}:${port}`
  const apiKey = randomBytes(24).toString('hex')
  const env = {
    SYNCPROOF_DATABASE_URL: databases.syncproof,
    SYNCPROOF_URL: url,
    SYNCPROOF_API_KEY: apiKey,
    SYNCPROOF_FINGERPRINT_KEY: randomBytes(32).toString('hex'),
    DATABASE_URL: databases.app,
  }
  await runToEnd('syncproof migrate', ['migrate'], env)
  const start: Start = (name, script, args, more = {}) => {
    const child = startChild(name, script, args, { ...env, ...more })
    opened.defer(() => child.stop())
    return child
  }
  const collector = await startCollector(start, url, port, options.metricsPort || (await freePort()))
  const reconciler = await startReconciler(start, ats, options.redis, await freePort())
  const { child: app, appUrl } = await startApp(start, ats)
  const jobs = options.redis === undefined ? 'PostgreSQL' : 'Redis'
  return {
    parts: [
      ['app', `${appUrl}  PATCH /candidates/:id, on PostgreSQL (${databases.names[0]})`],
      ['ATS', `${ats.url}  json-server, behind a faulty proxy`],
      ['collector', `${url}  on PostgreSQL (${databases.names[1]})`],
      ['reconciler', `process ${reconciler.child.pid}, jobs in ${jobs}`],
      ['metrics', `${collector.metricsUrl} ${reconciler.metricsUrl}`],
    ],
    appUrl,
    ats,
    database: pool,
    api: createReportApi(url, apiKey),
    metricsUrl: collector.metricsUrl,
    detectorMetricsUrl: reconciler.metricsUrl,
    broken: firstToEnd({
      'The ATS': ats.child,
      'The collector': collector.child,
      'The reconciler': reconciler.child,
      'The app': app,
    }),
  }
}

/** Starts a process with the settings that all of them share; it is stopped at the end. */
type Start = (
  name: string,
  script: URL,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
) => Child

interface Service {
  readonly child: Child
  readonly metricsUrl: string
}

async function startCollector(
  start: Start,
  url: string,
  port: number,
  metricsPort: number,
): Promise<Service> {
  const ports = ['--port', String(port), '--metrics-port', String(metricsPort)]
  const child = start('the collector', CLI, ['collector', ...ports])
  await answering(`${url}/readyz`, 'the collector', child)
  return { child, metricsUrl: metricsUrlOf(metricsPort) }
}

async function startReconciler(
  start: Start,
  ats: Ats,
  redis: string | undefined,
  metricsPort: number,
): Promise<Service> {
  const queue = redis === undefined ? [] : ['--redis', redis]
  const args = ['reconciler', '--config', CONFIG, '--metrics-port', String(metricsPort), ...queue]
  const child = start('the reconciler', CLI, args, { ATS_READ_URL: ats.url })
  const metricsUrl = metricsUrlOf(metricsPort)
  await answering(metricsUrl, 'the reconciler', child)
  return { child, metricsUrl }
}

async function startApp(start: Start, ats: Ats): Promise<{ child: Child; appUrl: string }> {
  const env = { ATS_URL: ats.proxy.url, ATS_TIMEOUT_MS: String(ATS_TIMEOUT_MS), PORT: '0' }
  const child = start('the app', APP, [], env)
  return { child, appUrl: await child.line((line) => (line.startsWith('http://') ? line : undefined)) }
}

function metricsUrlOf(port: number): string {
  return `http://${LOOPBACK}:${port}/metrics`
}

async function runToEnd(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const child = startChild(name, CLI, args, env)
  const code = await child.ended
  if (code !== 0) throw new Error(`${name} ended with ${code}\n${child.lastWords()}`)
}

/** Resolves when the address answers 200; rejects with its last words when the process ends before. */
async function answering(url: string, name: string, child: Child): Promise<void> {
  const ended = child.ended.then((code): never => {
    throw new Error(`${name} ended with ${code}\n${child.lastWords()}`)
  })
  const answers = waitFor(name, START_MS_MAX, async () => {
    const response = await fetch(url).catch(() => undefined)
    return response?.ok ? true : undefined
  })
  await Promise.race([answers, ended])
}

async function firstToEnd(children: Readonly<Record<string, Child>>): Promise<string> {
  return Promise.race(
    Object.entries(children).map(async ([name, child]) => {
      const code = await child.ended
      return `${name} ended with ${code}.\n${child.lastWords()}`
    }),
  )
}
