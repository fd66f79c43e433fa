import { relative } from 'node:path'
import type { Config } from '@syncproof/connectors'
import { type CommandContext, type ExitCode, UsageError } from '../command.ts'
import { loadConfigFile } from '../config-file.ts'
import { fingerprintKey, pairsLine, sinksLine, warnOfDefaultKey } from '../guidance.ts'
import { findingPrinter } from '../output/finding-printer.ts'
import { flow } from '../output/flow.ts'
import { json } from '../output/terminal.ts'
import { printable, wrap } from '../output/text.ts'
import {
  flagSetting,
  POSTGRES_SCHEMES,
  portSetting,
  REDIS_SCHEMES,
  textSetting,
  urlSetting,
  withoutPassword,
} from '../settings.ts'
import { type Dev, type DevOptions, startDev } from '../start-dev.ts'
import { API_PORT, DATA_FOLDER, METRICS_PORT } from '../start-parts.ts'
import { listenForStop } from '../stop.ts'

/** Everything in one process, for a developer's machine. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const { terminal, env } = context
  const untilStopped = listenForStop(terminal)
  const config = await loadConfigFile(textSetting(context, 'config'), context.folder)
  const options: DevOptions = {
    ...storageOf(context),
    port: portSetting(context, 'port', API_PORT),
    host: textSetting(context, 'host'),
    metricsPort: portSetting(context, 'metrics-port', METRICS_PORT),
    metricsHost: textSetting(context, 'metrics-host'),
    redis: urlSetting(context, 'redis', REDIS_SCHEMES),
    config,
    apiKey: env.SYNCPROOF_API_KEY || undefined,
    fingerprintKey: fingerprintKey(context),
    onFinding: findingPrinter(context),
    onFault: context.onFault,
    log: (line) => terminal.say(printable(line)),
    logLevel: env.SYNCPROOF_LOG_LEVEL || 'warn',
  }
  const dev = await startDev(options)
  if (flagSetting(context, 'json')) {
    const { url, metricsUrl, apiKey } = dev
    terminal.data(json({ version: 1, type: 'started', url, metrics_url: metricsUrl, api_key: apiKey }))
  }
  warnOfDefaultKey(context)
  terminal.say(welcome(context, options, dev, config))
  return await untilStopped(() => dev.close())
}

/** Where events are kept. An option of the command line goes before SYNCPROOF_DATABASE_URL. */
function storageOf(context: CommandContext): Pick<DevOptions, 'data' | 'ephemeral' | 'database'> {
  const { options, terminal } = context
  const data = textSetting(context, 'data')
  const ephemeral = flagSetting(context, 'ephemeral')
  const given = [data !== undefined, ephemeral, options.database !== undefined].filter(Boolean)
  if (given.length > 1) {
    throw new UsageError(
      '--data, --ephemeral and --database exclude each other: each says where the events are kept.',
    )
  }
  if (data !== undefined) return { data }
  if (ephemeral) return { ephemeral }
  const database = urlSetting(context, 'database', POSTGRES_SCHEMES)
  if (database !== undefined && options.database === undefined) {
    terminal.say('The database is the one of SYNCPROOF_DATABASE_URL.')
  }
  return { database }
}

function welcome(context: CommandContext, options: DevOptions, dev: Dev, config: Config | undefined): string {
  const { paintTalk: paint, talkColumns: columns } = context.terminal
  const row = (label: string, text: string) =>
    flow([{ text: label.padEnd(8), style: 'dim' }, { text: printable(text) }], {
      columns,
      paint,
      indent: 2,
      hanging: 4,
    })
  const made = options.apiKey === undefined
  const key = made ? [`  export SYNCPROOF_API_KEY=${dev.apiKey}`] : []
  return [
    '',
    paint('bold', 'Syncproof is running.'),
    '',
    ...row('API', dev.url),
    ...row('Metrics', dev.metricsUrl),
    ...row('Store', storeText(context, options)),
    ...row('Jobs', options.redis === undefined ? 'in the store' : `Redis ${withoutPassword(options.redis)}`),
    ...row('Pairs', pairsLine(config)),
    ...(config?.alerts?.length ? row('Alerts', sinksLine(config)) : []),
    '',
    ...wrap(
      `Tell your app and other terminals where it is${made ? ', and the key that was made now' : ''}:`,
      columns,
    ),
    '',
    `  export SYNCPROOF_URL=${dev.url}`,
    ...key,
    '',
    ...wrap(
      made
        ? 'Findings appear here as they come; `syncproof findings` lists them. Ctrl-C stops.'
        : 'The key is the one in SYNCPROOF_API_KEY. Findings appear here as they come; `syncproof findings` lists them. Ctrl-C stops.',
      columns,
    ),
    '',
  ].join('\n')
}

function storeText({ folder }: CommandContext, { database, ephemeral, data }: DevOptions): string {
  if (database !== undefined) return `PostgreSQL ${withoutPassword(database)}`
  if (ephemeral) return 'embedded, in memory: gone when this ends'
  return `embedded, in ${(data && relative(folder, data)) || data || DATA_FOLDER}`
}
