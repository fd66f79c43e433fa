import type { EntityRef, FieldRules } from '@syncproof/core/contract'
import { DEFAULT_FINGERPRINT_KEY } from '@syncproof/core/contract'
import { readTelemetryEnvironment } from './telemetry/environment.ts'
import type { SyncproofWarning, Warn } from './warnings.ts'
import { wrongOption } from './wrong-option.ts'

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
  /** The table that holds it, so that an adapter knows a row of it. Default: one that is named like the type. */
  readonly table?: string | undefined
  /** The column with its id. */
  readonly key?: string | undefined
  /** `hashed`: its ids do not leave the process. Events carry keyed hashes of them, also within tokens, and of
   *  idempotency keys, of ids in other systems and of their opaque versions, which may repeat them. The pair in
   *  syncproof.config.ts and every program that reports the type must declare the same. It takes a secret
   *  fingerprint key: ids can be guessed. Adapters know its rows by `table`; without it, keys of rows of no declared
   *  type are hashed too. Default: ids are sent as they are. */
  readonly entityId?: 'hashed' | undefined
}

export type EntityTypes = Readonly<Record<string, EntityOptions>>

export interface SyncproofOptions {
  /** The program that this is, such as `candidate-api`. Default: OTEL_SERVICE_NAME, else `service.name` of
   *  OTEL_RESOURCE_ATTRIBUTES; without any, an error. */
  readonly service?: string | undefined
  /** Version or commit of the program. Default: `service.version` of OTEL_RESOURCE_ATTRIBUTES, else not reported. */
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
  /** Heap that events which wait may take. At this size new ones are dropped and counted. Default: 8 MiB. */
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
  /** Which share of the calls is reported, 0 to 1; a function may say it for each call. Decided for a call with
   *  all that it calls, and counted as `sampled`. Default: 1. */
  readonly sampleRate?: number | ((call: SampledCall) => number) | undefined
  /** A folder where events that wait are kept too. Those of a process that was killed are sent by the next one
   *  with the same folder, which should be on a disk of this machine. Each event costs a write to it. It is
   *  opened a moment after the start: `await syncproof.flush()` waits for that. Default: none. */
  readonly spoolDir?: string | undefined
  /** Handed the promise of a delivery when a call ends, for platforms that freeze a process between requests:
   *  `waitUntil` of Vercel or of a Cloudflare context. Elsewhere, `await syncproof.flush()` does it. */
  readonly waitUntil?: ((delivery: Promise<unknown>) => void) | undefined
  /** Whether the active OpenTelemetry span is given the attributes `syncproof.operation_id`,
   *  `syncproof.operation` and `syncproof.entity_type` by the operations that nothing wrapped called. The events
   *  name their trace and span in any case. Default: false. */
  readonly spanAttributes?: boolean | undefined
  /** Told once of each kind of trouble. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: SyncproofWarning) => void) | undefined
}

export interface SampledCall {
  /** Of the wrapped function. */
  readonly name: string
  readonly entity: EntityRef
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
  readonly spanAttributes: boolean
  readonly sampleRate: number | ((call: SampledCall) => number)
  readonly spoolDir: string | undefined
  readonly waitUntil: ((delivery: Promise<unknown>) => void) | undefined
}

const DEFAULT_URL = 'http://127.0.0.1:4319'
const MIB = 1024 * 1024

/** Options with environment and defaults filled in; a text that says what is wrong where they are not usable. */
export function resolveOptions(options: SyncproofOptions, env: NodeJS.ProcessEnv): Settings | string {
  const wrong = wrongOption(options)
  if (wrong) return wrong
  const telemetry = readTelemetryEnvironment(env)
  const service = options.service ?? telemetry.service
  if (service === undefined) return 'createSyncproof: `service` must be the name of this program'
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
  return {
    ...numbers,
    sampleRate: options.sampleRate ?? 1,
    spoolDir: options.spoolDir || undefined,
    waitUntil: options.waitUntil,
    service,
    release: options.release ?? telemetry.release,
    eventsUrl,
    apiKey: options.apiKey ?? nonEmpty(env.SYNCPROOF_API_KEY),
    fingerprintKey:
      options.fingerprintKey ?? nonEmpty(env.SYNCPROOF_FINGERPRINT_KEY) ?? DEFAULT_FINGERPRINT_KEY,
    entities: options.entities ?? {},
    spanAttributes: options.spanAttributes === true,
  }
}

export function warnOfDefaultKey(settings: Settings, warn: Warn): void {
  if (settings.fingerprintKey !== DEFAULT_FINGERPRINT_KEY) return
  warn(
    'default_fingerprint_key',
    'SYNCPROOF_FINGERPRINT_KEY is not set: fingerprints, and ids that are hashed, are made with a public default key. Set the same secret for the app and the reconciler.',
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
