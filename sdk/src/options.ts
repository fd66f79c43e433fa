import type { FieldRules } from '@syncproof/core/contract'
import { DEFAULT_FINGERPRINT_KEY } from '@syncproof/core/contract'
import type { SyncproofWarning, Warn } from './warnings.ts'

/** Something that holds for every record of a type: false means that it does not. Asked of each record that a
 *  write left behind; one that looks at a field which is not known is not judged. It must not be async. A type
 *  for the record must be a type alias, not an interface. */
export type Invariant = { holds(record: Readonly<Record<string, unknown>>): boolean }['holds']

/** What is declared of one entity type. */
export interface EntityOptions {
  /** Field rules, shared with the reconciler. Default: every field by its type. */
  readonly fields?: FieldRules | undefined
  /** By name: `{ hiredHasEmail: (c) => c.status !== 'hired' || c.email !== null }`. */
  readonly invariants?: Readonly<Record<string, Invariant>> | undefined
  /** The table that holds it, so that an adapter knows a row of it. */
  readonly table?: string | undefined
  /** The column with its id. */
  readonly key?: string | undefined
}

export type EntityTypes = Readonly<Record<string, EntityOptions>>

export interface SyncproofOptions {
  /** The program that this is, such as `candidate-api`. */
  readonly service: string
  /** Version or commit of the program. Default: not reported. */
  readonly release?: string | undefined
  /** Where the collector listens. Default: SYNCPROOF_URL, else `http://127.0.0.1:4319`. */
  readonly url?: string | undefined
  /** Key with the scope `ingest`. Default: SYNCPROOF_API_KEY, else none is sent. */
  readonly apiKey?: string | undefined
  /** Keys the fingerprints; the reconciler needs the same one. Default: SYNCPROOF_FINGERPRINT_KEY, else a
   *  documented constant that protects nothing, with a warning. */
  readonly fingerprintKey?: string | undefined
  /** What is declared of entities, by type: field rules, invariants, the table. Default: nothing. */
  readonly entities?: EntityTypes | undefined
  /** How long an event may wait for others before it is sent. Default: 250. */
  readonly flushIntervalMs?: number | undefined
  /** Events that wait, as JSON text. At this size new ones are dropped and counted. Default: 8 MiB. */
  readonly queueBytesMax?: number | undefined
  /** How long one request to the collector may take. Default: 10,000. */
  readonly requestTimeoutMs?: number | undefined
  /** How long `flush` and `shutdown` try. Default: 5,000. */
  readonly flushTimeoutMs?: number | undefined
  /** How long the end of a script may be held up to deliver what waits; 0 for not at all. Default: 2,000. */
  readonly exitTimeoutMs?: number | undefined
  /** How often a silent process says that it lives. The collector takes a process for gone after three that
   *  are missing. Default: 10,000. */
  readonly heartbeatIntervalMs?: number | undefined
  /** Told once of each kind of trouble. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: SyncproofWarning) => void) | undefined
}

export interface Settings {
  readonly service: string
  readonly release: string | undefined
  readonly eventsUrl: string
  readonly apiKey: string | undefined
  readonly fingerprintKey: string
  readonly entities: EntityTypes
  readonly flushIntervalMs: number
  readonly queueBytesMax: number
  readonly requestTimeoutMs: number
  readonly flushTimeoutMs: number
  readonly exitTimeoutMs: number
  readonly heartbeatIntervalMs: number
}

const DEFAULT_URL = 'http://127.0.0.1:4319'
const MIB = 1024 * 1024

/** Options with environment and defaults filled in; a text that says what is wrong where they are not usable. */
export function resolveOptions(options: SyncproofOptions, env: NodeJS.ProcessEnv): Settings | string {
  if (typeof options?.service !== 'string' || options.service === '')
    return 'createSyncproof: `service` must be the name of this program'
  const url = options.url ?? nonEmpty(env.SYNCPROOF_URL) ?? DEFAULT_URL
  const eventsUrl = eventsUrlOf(url)
  if (!eventsUrl)
    return `createSyncproof: '${url}' is not an http(s) address; mend \`url\` or SYNCPROOF_URL, such as ${DEFAULT_URL}`
  const numbers = {
    flushIntervalMs: options.flushIntervalMs ?? 250,
    queueBytesMax: options.queueBytesMax ?? 8 * MIB,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    flushTimeoutMs: options.flushTimeoutMs ?? 5_000,
    exitTimeoutMs: options.exitTimeoutMs ?? 2_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 10_000,
  }
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isFinite(value) || value < 0)
      return `createSyncproof: \`${name}\` must be a number, 0 or more`
  }
  return {
    ...numbers,
    service: options.service,
    release: options.release,
    eventsUrl,
    apiKey: options.apiKey ?? nonEmpty(env.SYNCPROOF_API_KEY),
    fingerprintKey:
      options.fingerprintKey ?? nonEmpty(env.SYNCPROOF_FINGERPRINT_KEY) ?? DEFAULT_FINGERPRINT_KEY,
    entities: options.entities ?? {},
  }
}

export function warnOfDefaultKey(settings: Settings, warn: Warn): void {
  if (settings.fingerprintKey !== DEFAULT_FINGERPRINT_KEY) return
  warn(
    'default_fingerprint_key',
    'SYNCPROOF_FINGERPRINT_KEY is not set: fingerprints are made with a public default key. Set the same secret for the app and the reconciler.',
  )
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}

function eventsUrlOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const parsed = new URL(url)
  if (parsed.protocol !== 'http:' && parsed.protocol !== 'https:') return undefined
  return `${parsed.origin}${parsed.pathname.replace(/\/+$/, '')}/v1/events`
}
