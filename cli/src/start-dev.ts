import { resolve } from 'node:path'
import type { Config } from '@syncproof/connectors'
import { DEFAULT_FINGERPRINT_KEY, type Finding } from '@syncproof/core/contract'
import { type QueueConnection, startReconciler } from '@syncproof/reconciler'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import { Registry } from 'prom-client'
import { UsageError } from './command.ts'
import { openEmbedded } from './open-embedded.ts'
import { askDatabase, reachRedis } from './reach.ts'
import { reconcilerOptions } from './reconciler-options.ts'
import {
  API_PORT,
  acceptKey,
  DATA_FOLDER,
  METRICS_PORT,
  openCollector,
  openMetrics,
  PROJECT,
} from './start-parts.ts'

export interface DevOptions {
  /** Port of the API; 0 takes a free one. Default 4319. */
  readonly port?: number | undefined
  /** Default 127.0.0.1. */
  readonly host?: string | undefined
  /** Port of the metrics; 0 takes a free one. Default 4320. */
  readonly metricsPort?: number | undefined
  /** Default 127.0.0.1. */
  readonly metricsHost?: string | undefined
  /** Folder of the embedded database. Default `.syncproof`. */
  readonly data?: string | undefined
  /** Keeps the embedded database in memory only. */
  readonly ephemeral?: boolean | undefined
  /** URL of a PostgreSQL that is used instead of the embedded database. */
  readonly database?: string | undefined
  /** URL of a Redis for the jobs of the reconciler. Default: they go through the database. */
  readonly redis?: string | undefined
  /** Default: no pairs. */
  readonly config?: Config | undefined
  /** Accepted for all scopes. Default: one is made. */
  readonly apiKey?: string | undefined
  /** The same as in the app. Default: the documented one, which protects nothing. */
  readonly fingerprintKey?: string | undefined
  /** Called once for each finding that was not there before. */
  readonly onFinding?: ((finding: Finding) => void) | undefined
  /** Hears of each fault of Syncproof itself. */
  readonly onFault?: ((error: unknown) => void) | undefined
  /** Lines for people. */
  readonly log?: ((line: string) => void) | undefined
  /** Least level of the collector's request log. Default `warn`. */
  readonly logLevel?: string | undefined
}

export interface Dev {
  /** `http://127.0.0.1:4319` */
  readonly url: string
  /** `http://127.0.0.1:4320/metrics` */
  readonly metricsUrl: string
  /** The one that was given, or the one that was made. */
  readonly apiKey: string
  readonly store: Store
  /** Closes reconciler, collector, metrics and store, in this order. Doing it again changes nothing. */
  close(): Promise<void>
}

/** See `startDev` in index.ts.
 *  @throws UsageError
 *  @throws UnableError */
export async function startDev(options: DevOptions): Promise<Dev> {
  await using opened = new AsyncDisposableStack()
  if (options.redis !== undefined) await reachRedis(options.redis)
  const { store, jobs } = await openStorage(options, opened)
  const apiKey = await acceptKey(store, options.apiKey)
  const metrics = new Registry()
  const metricsServer = await openMetrics(metrics, options.metricsHost, options.metricsPort ?? METRICS_PORT)
  opened.defer(() => metricsServer.close())
  const collector = await openCollector(store, metrics, {
    host: options.host,
    port: options.port ?? API_PORT,
    logLevel: options.logLevel ?? 'warn',
    onFault: options.onFault,
  })
  opened.defer(() => collector.close())
  const reconciler = await startReconciler({
    store,
    projectId: PROJECT,
    ...reconcilerOptions(options.config),
    queue: options.redis === undefined ? jobs : { redisUrl: options.redis },
    fingerprintKey: options.fingerprintKey || DEFAULT_FINGERPRINT_KEY,
    metrics,
    ...(options.onFinding && { onFinding: options.onFinding }),
    ...(options.log && { log: options.log }),
    onFault: options.onFault,
  })
  opened.defer(() => reconciler.close())
  const running = opened.move()
  return {
    url: collector.url,
    metricsUrl: metricsServer.url,
    apiKey,
    store,
    close: () => running.disposeAsync(),
  }
}

async function openStorage(
  options: DevOptions,
  opened: AsyncDisposableStack,
): Promise<{ store: Store; jobs: QueueConnection }> {
  const { database, data, ephemeral = false } = options
  if ([database !== undefined, data !== undefined, ephemeral].filter(Boolean).length > 1) {
    throw new UsageError(
      'Take one of --database, --data and --ephemeral: each says where the events are kept.',
    )
  }
  if (database !== undefined) {
    await askDatabase(database, () => migrateStore({ url: database }))
    const store = openStore({ url: database, applicationName: 'syncproof dev' })
    opened.defer(() => store.close())
    return { store, jobs: { postgresUrl: database } }
  }
  const pool = await openEmbedded(ephemeral ? undefined : resolve(data ?? DATA_FOLDER))
  opened.defer(() => pool.end())
  await migrateStore({ pool })
  const store = openStore({ pool })
  opened.defer(() => store.close())
  return { store, jobs: { pool } }
}
