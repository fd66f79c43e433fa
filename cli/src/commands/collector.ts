import { collectorLimits } from '@syncproof/collector'
import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'
import { type CommandContext, type ExitCode, UsageError } from '../command.ts'
import { askDatabase } from '../reach.ts'
import { openReadDatabase } from '../read-database.ts'
import {
  databaseSetting,
  portSetting,
  textSetting,
  wholeNumberSetting,
  withoutPassword,
} from '../settings.ts'
import { API_PORT, acceptKey, METRICS_PORT, openCollector, openMetrics } from '../start-parts.ts'
import { listenForStop } from '../stop.ts'

const { keyRequestsPerSecond, keyBytesPerSecond } = collectorLimits
const QUOTA = { min: 1, max: 1_000_000_000_000 } as const

/** The collector alone: one of any number on the same database. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal, env } = context
  const untilStopped = listenForStop(terminal)
  const url = databaseSetting(context)
  const port = portSetting(context, 'port', API_PORT)
  const metricsPort = portSetting(context, 'metrics-port', METRICS_PORT)
  const quota = {
    requestsPerSecond: wholeNumberSetting(context, 'quota-requests', {
      ...QUOTA,
      preset: keyRequestsPerSecond,
    }),
    bytesPerSecond: wholeNumberSetting(context, 'quota-bytes', { ...QUOTA, preset: keyBytesPerSecond }),
  }

  await using opened = new AsyncDisposableStack()
  const store = openStore({ url, applicationName: 'syncproof collector' })
  opened.defer(() => store.close())
  await askDatabase(url, () => store.ready())
  if (env.SYNCPROOF_API_KEY) await acceptKey(store, env.SYNCPROOF_API_KEY)
  else if (!(await store.keys.exist())) throw noKey()
  const replica = await openReadDatabase(context, store)
  if (replica) opened.defer(() => replica.store.close())
  const registry = new Registry()
  const metrics = await openMetrics(registry, textSetting(context, 'metrics-host'), metricsPort)
  opened.defer(() => metrics.close())
  const collector = await openCollector(store, registry, {
    port,
    replica: replica?.store,
    host: textSetting(context, 'host'),
    logLevel: env.SYNCPROOF_LOG_LEVEL || 'info',
    quota,
    onFault: context.onFault,
  })
  opened.defer(() => collector.close())

  const reports = replica ? `, reports from ${withoutPassword(replica.url)}` : ''
  terminal.say(
    `Collector: API ${collector.url}, metrics ${metrics.url}, database ${withoutPassword(url)}${reports}.`,
  )
  const running = opened.move()
  return await untilStopped(() => running.disposeAsync())
}

/** A collector that nobody has a key to would answer 401 to everything. */
function noKey(): UsageError {
  return new UsageError(
    'The database holds no key, so nobody could send or read anything.',
    'Set SYNCPROOF_API_KEY to a secret of your own, here and in your app: `export SYNCPROOF_API_KEY=$(openssl rand -hex 32)`.',
  )
}
