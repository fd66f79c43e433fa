import { resolve } from 'node:path'
import { type Config, resolveRetention } from '@syncproof/connectors'
import { connectionWay, openStore, type Store, StoreNotMigratedError } from '@syncproof/store'
import { type CommandContext, UnableError, UsageError } from '../command.ts'
import { openExisting } from '../open-embedded.ts'
import { askDatabase } from '../reach.ts'
import { databaseSetting, textSetting, withoutPassword } from '../settings.ts'
import { mayNotWrite, roundTrip } from './ask/round-trip.ts'
import { type Check, fail, type Look, looking, pass, unable } from './check.ts'
import { partitionChecks, policyCheck, retentionChecks } from './retention-checks.ts'
import { activityChecks, clockCheck, durabilityChecks, serverChecks } from './server-checks.ts'
import { clockChecks, keyCheck, lagCheck, processChecks } from './telemetry-checks.ts'
import { databaseTlsChecks } from './tls-checks.ts'

const DAY_MS = 86_400_000

/** Where a test event is sent to; undefined where no collector was named. */
type Collector = { readonly url: string; readonly isThere: boolean } | undefined | ''

/** Looks at the database and at what is in it.
 *  @throws UsageError where it is not named */
export async function lookAtDatabase(
  context: CommandContext,
  config: Config | undefined,
  collector: Collector,
): Promise<readonly Look[]> {
  await using opened = new AsyncDisposableStack()
  try {
    const { store, shown, url, ask } = await open(context, opened)
    const beforeMs = Date.now()
    const server = await ask(() => store.health.server())
    const afterMs = Date.now()
    const checks = [
      ...serverChecks(server, shown),
      ...durabilityChecks(server, url === undefined),
      ...(url === undefined ? [] : databaseTlsChecks(connectionWay(url), server.connection)),
      clockCheck('database', [server.nowMs, server.nowMs], beforeMs, afterMs),
    ]
    const missing = await migrationCheck(store, url === undefined)
    // of a schema that is not there nothing else can be said
    if (missing.state !== 'pass') return [...checks, missing]
    return [
      ...checks,
      missing,
      ...(await lookAtSchema(config, store, server.nowMs)),
      ...(await lookAtRoundTrip(context, store, url === undefined, collector)),
    ]
  } catch (error) {
    if (!(error instanceof UnableError)) throw error
    return [unable(fail('database', error.message, error.mend ?? 'Mend that first.'))]
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
    return { store: openStore({ pool }), shown: data, url: undefined, ask }
  }
  const url = databaseSetting(context)
  const store = openStore({ url, applicationName: 'syncproof doctor' })
  opened.defer(() => store.close())
  const ask = <T>(question: () => Promise<T>) => askDatabase(url, question)
  return { store, shown: withoutPassword(url), url, ask }
}

async function migrationCheck(store: Store, isEmbedded: boolean): Promise<Check> {
  try {
    await store.ready()
    return pass('migrations', 'The schema is that of this release.')
  } catch (error) {
    if (!(error instanceof StoreNotMigratedError)) throw error
    const mend = isEmbedded ? 'Start `syncproof dev` on it: that migrates it.' : 'Run `syncproof migrate`.'
    return fail('migrations', 'The schema is older than this release.', mend)
  }
}

async function lookAtSchema(
  config: Config | undefined,
  store: Store,
  nowMs: number,
): Promise<readonly Check[]> {
  const { health, retention } = store
  return [
    ...(await looking('partitions', async () => partitionChecks(await health.partitions()))),
    ...(await looking('retention', async () =>
      retentionChecks(await retention.figures(), await retention.policy(), await health.partitions(), nowMs),
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
      const processes = await health.processes(nowMs - DAY_MS)
      return [...processChecks(processes), ...clockChecks(processes)]
    })),
  ]
}

async function lookAtRoundTrip(
  context: CommandContext,
  store: Store,
  isEmbedded: boolean,
  collector: Collector,
): Promise<readonly Look[]> {
  const name = 'round trip'
  if (context.options['round-trip'] === false) return [{ name, why: '--no-round-trip' }]
  if (isEmbedded) return [{ name, why: 'nobody judges an embedded database while it is looked at' }]
  if (collector && !collector.isThere) return [{ name, why: 'the collector does not take events' }]
  return looking(name, async () => {
    try {
      return await roundTrip(store, collector ? collector.url : undefined)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === '42501') return [mayNotWrite()]
      throw error
    }
  })
}
