import { type Quota, startCollector } from '@syncproof/collector'
import { isBrokenKey, SCOPES, type Store } from '@syncproof/store'
import { collectDefaultMetrics, type Registry } from 'prom-client'
import { UsageError } from './command.ts'
import { startMetricsServer } from './metrics-server.ts'
import { listenProblem } from './reach.ts'

export const DATA_FOLDER = '.syncproof'
export const API_PORT = 4319
export const METRICS_PORT = 4320
/** Another one, so that both services run on one machine as they are. */
export const RECONCILER_METRICS_PORT = 4321
const LOOPBACK = '127.0.0.1'
/** The only project for now. */
export const PROJECT = 'default'

/** @throws UnableError where the port cannot be had */
export async function openMetrics(registry: Registry, host = LOOPBACK, port: number) {
  collectDefaultMetrics({ register: registry })
  try {
    return await startMetricsServer({ registry, host, port })
  } catch (error) {
    throw listenProblem(error, 'metrics', host, port, '--metrics-port')
  }
}

/** @throws UnableError where the port cannot be had */
export async function openCollector(
  store: Store,
  metrics: Registry,
  options: {
    readonly host?: string | undefined
    readonly port: number
    readonly replica?: Store | undefined
    /** Least level of the request log. */
    readonly logLevel: string
    readonly quota?: Quota
    readonly onFault?: ((error: unknown) => void) | undefined
  },
) {
  const { host = LOOPBACK, port, replica, logLevel, quota, onFault } = options
  // stdout is for data
  const logger = { level: logLevel, stream: process.stderr }
  try {
    return await startCollector({ store, replica, metrics, host, port, logger, quota, onFault })
  } catch (error) {
    throw listenProblem(error, 'API', host, port, '--port')
  }
}

/** Makes the operator's own key work, or makes one.
 *  @throws UsageError for text that cannot stand in an HTTP header, a key of ours that is not whole or was revoked, and one that
 *  is not known to a database that this login may not add keys to */
export async function acceptKey(store: Store, given: string | undefined): Promise<string> {
  if (given === undefined) return (await store.keys.create(PROJECT, 'dev', SCOPES)).key
  if (!/^[\x21-\x7e]{1,256}$/.test(given)) {
    throw new UsageError('SYNCPROOF_API_KEY must be 1 to 256 characters of ASCII without spaces.')
  }
  if (isBrokenKey(given)) {
    throw new UsageError(
      'SYNCPROOF_API_KEY begins as a key of Syncproof and is none: it was mistyped or cut short.',
      'Copy it again. A secret of your own may begin with anything but sp_.',
    )
  }
  const opens = await store.keys.adopt(PROJECT, 'SYNCPROOF_API_KEY', given, SCOPES)
  if (opens === 'revoked') {
    throw new UsageError(
      'The key in SYNCPROOF_API_KEY was revoked.',
      'Set another, or leave it out where the database holds others: `syncproof keys list` shows them.',
    )
  }
  if (opens === 'unknown') {
    throw new UsageError(
      'The database does not know the key in SYNCPROOF_API_KEY, and this login may not add one.',
      'Leave it out here, and make keys with `syncproof keys create` as the owner of the database.',
    )
  }
  return given
}
