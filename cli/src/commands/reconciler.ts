import { startReconciler } from '@syncproof/reconciler'
import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'
import type { CommandContext, ExitCode } from '../command.ts'
import { loadConfigFile } from '../config-file.ts'
import { fingerprintKey, pairsLine, sinksLine, warnOfDefaultKey } from '../guidance.ts'
import { findingPrinter } from '../output/finding-printer.ts'
import { printable } from '../output/text.ts'
import { askDatabase, reachRedis } from '../reach.ts'
import { reconcilerOptions } from '../reconciler-options.ts'
import {
  databaseSetting,
  portSetting,
  REDIS_SCHEMES,
  textSetting,
  urlSetting,
  withoutPassword,
} from '../settings.ts'
import { openMetrics, PROJECT, RECONCILER_METRICS_PORT } from '../start-parts.ts'
import { listenForStop } from '../stop.ts'

/** The reconciler alone: one of any number on the same database. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context
  const untilStopped = listenForStop(terminal)
  const url = databaseSetting(context)
  const redis = urlSetting(context, 'redis', REDIS_SCHEMES)
  const metricsPort = portSetting(context, 'metrics-port', RECONCILER_METRICS_PORT)
  const config = await loadConfigFile(textSetting(context, 'config'), context.folder)

  await using opened = new AsyncDisposableStack()
  const store = openStore({ url, applicationName: 'syncproof reconciler' })
  opened.defer(() => store.close())
  await askDatabase(url, () => store.ready())
  if (redis !== undefined) await reachRedis(redis)
  const registry = new Registry()
  const metrics = await openMetrics(registry, textSetting(context, 'metrics-host'), metricsPort)
  opened.defer(() => metrics.close())
  const start = () =>
    startReconciler({
      store,
      projectId: PROJECT,
      ...reconcilerOptions(config),
      queue: redis === undefined ? { postgresUrl: url } : { redisUrl: redis },
      fingerprintKey: fingerprintKey(context),
      metrics: registry,
      onFinding: findingPrinter(context),
      onFault: context.onFault,
      log: (line) => terminal.say(printable(line)),
    })
  // without Redis the jobs go through the database, too
  const reconciler = await (redis === undefined ? askDatabase(url, start) : start())
  opened.defer(() => reconciler.close())

  warnOfDefaultKey(context)
  terminal.say(
    `Reconciler: metrics ${metrics.url}, database ${withoutPassword(url)}. ${pairsLine(config)} ${sinksLine(config)}`,
  )
  const running = opened.move()
  return await untilStopped(() => running.disposeAsync())
}
