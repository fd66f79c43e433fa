import { resolve } from 'node:path'
import { resolveRetention } from '@syncproof/connectors'
import { checkRedis } from '@syncproof/reconciler'
import { openStore, type Store, StoreNotMigratedError } from '@syncproof/store'
import { type CommandContext, EXIT, type ExitCode, UnableError, UsageError } from '../command.ts'
import { loadConfigFile } from '../config-file.ts'
import { type Check, looking, ok, problem } from '../doctor/check.ts'
import { partitionChecks, policyCheck, retentionChecks } from '../doctor/retention-checks.ts'
import { activityChecks, clockCheck, durabilityChecks, serverChecks } from '../doctor/server-checks.ts'
import { clockChecks, keyCheck, lagCheck, processChecks } from '../doctor/telemetry-checks.ts'
import { openExisting } from '../open-embedded.ts'
import { checkLines } from '../output/check-view.ts'
import { json } from '../output/terminal.ts'
import { askDatabase } from '../reach.ts'
import {
  databaseSetting,
  flagSetting,
  REDIS_SCHEMES,
  textSetting,
  urlSetting,
  withoutPassword,
} from '../settings.ts'

const DAY_MS = 86_400_000

/** Looks at everything that has to be right, and says of what is not how to mend it. Changes nothing. */
export async function run(context: CommandContext): Promise<ExitCode> {
  const redis = urlSetting(context, 'redis', REDIS_SCHEMES)
  const checks = [
    ...(await databaseChecks(context)),
    ...(redis === undefined ? [] : await redisChecks(redis)),
  ]
  const { terminal } = context
  if (flagSetting(context, 'json')) {
    terminal.data(json({ version: 1, checks: checks.map(({ unable: _, ...check }) => check) }))
  } else {
    for (const check of checks) terminal.data(checkLines(check, terminal.paint, terminal.columns).join('\n'))
  }
  if (checks.some(({ unable }) => unable)) return EXIT.unable
  return checks.every(({ state }) => state === 'ok') ? EXIT.clean : EXIT.found
}

async function databaseChecks(context: CommandContext): Promise<readonly Check[]> {
  await using opened = new AsyncDisposableStack()
  try {
    const { store, shown, isEmbedded, ask } = await open(context, opened)
    const beforeMs = Date.now()
    const server = await ask(() => store.health.server())
    const afterMs = Date.now()
    const checks = [
      ...serverChecks(server, shown),
      ...durabilityChecks(server, isEmbedded),
      clockCheck(server.nowMs, beforeMs, afterMs),
    ]
    const missing = await migrationCheck(store, isEmbedded)
    // of a schema that is not there nothing else can be said
    return [...checks, missing, ...(missing.state === 'ok' ? await schemaChecks(context, store) : [])]
  } catch (error) {
    if (!(error instanceof UnableError)) throw error
    return [{ ...problem('database', error.message, error.mend ?? 'Mend that first.'), unable: true }]
  }
}

async function open(context: CommandContext, opened: AsyncDisposableStack) {
  const data = textSetting(context, 'data')
  if (data !== undefined) {
    if (context.options.database !== undefined)
      throw new UsageError('--data and --database exclude each other: each says where the events are kept.')
    const pool = await openExisting(resolve(context.folder, data))
    opened.defer(() => pool.end())
    const ask = <T>(question: () => Promise<T>) => question()
    return { store: openStore({ pool }), shown: data, isEmbedded: true, ask }
  }
  const url = databaseSetting(context)
  const store = openStore({ url, applicationName: 'syncproof doctor' })
  opened.defer(() => store.close())
  const ask = <T>(question: () => Promise<T>) => askDatabase(url, question)
  return { store, shown: withoutPassword(url), isEmbedded: false, ask }
}

async function migrationCheck(store: Store, isEmbedded: boolean): Promise<Check> {
  try {
    await store.ready()
    return ok('migrations', 'The schema is that of this release.')
  } catch (error) {
    if (!(error instanceof StoreNotMigratedError)) throw error
    const mend = isEmbedded ? 'Start `syncproof dev` on it: that migrates it.' : 'Run `syncproof migrate`.'
    return problem('migrations', 'The schema is older than this release.', mend)
  }
}

async function schemaChecks(context: CommandContext, store: Store): Promise<readonly Check[]> {
  const { health, retention } = store
  const server = await health.server()
  const config = await loadConfigFile(textSetting(context, 'config'), context.folder)
  return [
    ...(await looking('partitions', async () => partitionChecks(await health.partitions()))),
    ...(await looking('retention', async () =>
      retentionChecks(
        await retention.figures(),
        await retention.policy(),
        await health.partitions(),
        server.nowMs,
      ),
    )),
    ...(config === undefined
      ? []
      : await looking('configuration', async () => [
          policyCheck(resolveRetention(config.retention), await retention.policy()),
        ])),
    ...(await looking('server', async () => activityChecks(await health.activity()))),
    ...(await looking('keys', async () => [keyCheck(await store.keys.exist())])),
    ...(await looking('detection', async () => [lagCheck(await store.detection.lag())])),
    ...(await looking('apps', async () => {
      const processes = await health.processes(server.nowMs - DAY_MS)
      return [...processChecks(processes), ...clockChecks(processes)]
    })),
  ]
}

async function redisChecks(url: string): Promise<readonly Check[]> {
  try {
    const { version, maxmemoryPolicy } = await checkRedis(url)
    return [
      maxmemoryPolicy === 'noeviction'
        ? ok('Redis', `Redis ${version}, noeviction.`)
        : problem(
            'Redis',
            `maxmemory-policy is ${maxmemoryPolicy}: when its memory is full it throws jobs away.`,
            'Set maxmemory-policy noeviction, or give the jobs a Redis of their own.',
          ),
    ]
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const mend =
      'Start it, name another with --redis, or leave --redis out: the jobs then go through the database.'
    return [{ ...problem('Redis', `${withoutPassword(url)}: ${text}.`, mend), unable: true }]
  }
}
