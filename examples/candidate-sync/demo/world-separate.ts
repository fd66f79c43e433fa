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

  const apiKey = randomBytes(24).toString('hex')
  const [port, metricsPort, reconcilerMetricsPort] = [
    options.port || (await freePort()),
    options.metricsPort || (await freePort()),
    await freePort(),
  ]
  const url = `http://${LOOPBACK}:${port}`
  const env = {
    SYNCPROOF_DATABASE_URL: databases.syncproof,
    SYNCPROOF_URL: url,
    SYNCPROOF_API_KEY: apiKey,
    SYNCPROOF_FINGERPRINT_KEY: randomBytes(32).toString('hex'),
    DATABASE_URL: databases.app,
  }
  await runToEnd('syncproof migrate', ['migrate'], env)
  const start = (
    name: string,
    script: URL,
    args: readonly string[],
    more: Record<string, string> = {},
  ): Child => {
    const child = startChild(name, script, args, { ...env, ...more })
    opened.defer(() => child.stop())
    return child
  }
  const collector = start('the collector', CLI, ['collector', ...ports(port, metricsPort)])
  await answering(`${url}/readyz`, 'the collector', collector)
  const redis = options.redis === undefined ? [] : ['--redis', options.redis]
  const reconciler = start(
    'the reconciler',
    CLI,
    ['reconciler', '--config', CONFIG, '--metrics-port', String(reconcilerMetricsPort), ...redis],
    { ATS_READ_URL: ats.url },
  )
  const detectorMetricsUrl = `http://${LOOPBACK}:${reconcilerMetricsPort}/metrics`
  await answering(detectorMetricsUrl, 'the reconciler', reconciler)
  const app = start('the app', APP, [], {
    ATS_URL: ats.proxy.url,
    ATS_TIMEOUT_MS: String(ATS_TIMEOUT_MS),
    PORT: '0',
  })
  const appUrl = await app.line((line) => (line.startsWith('http://') ? line : undefined))

  return {
    parts: [
      ['app', `${appUrl}  PATCH /candidates/:id, on PostgreSQL (${databases.names[0]})`],
      ['ATS', `${ats.url}  json-server, behind a faulty proxy`],
      ['collector', `${url}  on PostgreSQL (${databases.names[1]})`],
      [
        'reconciler',
        `process ${reconciler.pid}, jobs in ${options.redis === undefined ? 'PostgreSQL' : 'Redis'}`,
      ],
      ['metrics', `http://${LOOPBACK}:${metricsPort}/metrics ${detectorMetricsUrl}`],
    ],
    appUrl,
    ats,
    database: pool,
    api: createReportApi(url, apiKey),
    metricsUrl: `http://${LOOPBACK}:${metricsPort}/metrics`,
    detectorMetricsUrl,
    broken: firstToEnd({
      'The ATS': ats.child,
      'The collector': collector,
      'The reconciler': reconciler,
      'The app': app,
    }),
  }
}

function ports(port: number, metricsPort: number): readonly string[] {
  return ['--port', String(port), '--metrics-port', String(metricsPort)]
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
