import { createHash } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import type { ErrorEvent, makeNodeTransport as MakeTransport, SeverityLevel } from '@sentry/node'
import { ConfigError } from '@syncproof/connectors'
import {
  ALERT_STATES,
  type Alert,
  type AlertSink,
  type Severity,
  type SinkAnswer,
} from '@syncproof/core/contract'
import { failure, pauseAsked } from './post.ts'
import { checkSink, fromEnvironment, type SinkOptions } from './sink-options.ts'

export interface SentryOptions extends SinkOptions {
  /** Of the project that the issues are in. Default: SENTRY_DSN. */
  readonly dsn?: string | undefined
  /** Default: SENTRY_ENVIRONMENT, else what Sentry takes for it. */
  readonly environment?: string | undefined
}

type Transport = ReturnType<typeof MakeTransport>
type HttpModule = NonNullable<Parameters<typeof MakeTransport>[0]['httpModule']>
type Reply = Awaited<ReturnType<Transport['send']>>

const LEVELS: Readonly<Record<Severity, SeverityLevel>> = {
  critical: 'fatal',
  high: 'error',
  medium: 'warning',
  low: 'info',
}
/** Asked for the longest of several limits; where none is said. */
const TOO_MANY_PAUSE_MS = 60_000

/** One issue a pair, kind and function, through @sentry/node. It begins with an event of the severity's level; that it was
 *  acknowledged or is over is told by an event of level `info` in the same issue, with the tag `syncproof.state`: a DSN gives no right to
 *  close an issue. The trace is that of the newest finding's call, so that the issue stands beside what the app sent.
 *  @throws ConfigError for options that are unknown or of the wrong type, and without a DSN */
export function sentry(options: SentryOptions = {}): AlertSink {
  const text = { check: (value: unknown) => (typeof value === 'string' ? undefined : 'must be text.') }
  checkSink('sentry', options, { dsn: text, environment: text })
  const dsn = fromEnvironment('sentry', 'dsn', options.dsn, 'SENTRY_DSN')
  if (!URL.canParse(dsn) || new URL(dsn).username === '')
    throw new ConfigError(
      'sentry.dsn',
      'must be a DSN such as https://key@host/1, from the settings of the project.',
    )
  const environment = options.environment ?? process.env.SENTRY_ENVIRONMENT
  const { name = 'sentry', only = {} } = options
  return {
    name,
    kind: 'sentry',
    place: new URL(dsn).origin,
    only,
    states: ALERT_STATES,
    send: (alert, signal) => sendEvent(dsn, environment, alert, signal),
  }
}

async function sendEvent(
  dsn: string,
  environment: string | undefined,
  alert: Alert,
  signal: AbortSignal,
): Promise<SinkAnswer> {
  // loaded when there is something to tell: it is the largest thing that a reconciler imports
  const { NodeClient, Scope, makeNodeTransport, defaultStackParser } = await import('@sentry/node')
  const sent = Promise.withResolvers<Reply>()
  // the SDK tells nobody what came back
  const listening = (settings: Parameters<typeof makeNodeTransport>[0]): Transport => {
    const transport = makeNodeTransport({ ...settings, keepAlive: false, httpModule: endingWith(signal) })
    return {
      flush: (ms) => transport.flush(ms),
      async send(envelope) {
        const sending = transport.send(envelope)
        Promise.resolve(sending).then(sent.resolve, sent.reject)
        return sending
      },
    }
  }
  // one for each message: none of the app's own scopes, hooks and rate limits has a part in it
  const client = new NodeClient({
    dsn,
    ...(environment && { environment }),
    transport: listening,
    integrations: [],
    stackParser: defaultStackParser,
    sendClientReports: false,
  })
  client.init()
  const scope = new Scope()
  scope.setClient(client)
  const { traceId } = alert.finding ?? {}
  if (traceId) scope.setPropagationContext({ traceId, sampleRand: 0 })
  client.captureEvent(eventOf(alert), {}, scope)
  try {
    const response = await Promise.race([sent.promise, ending(signal)])
    return answerOf(response)
  } catch (error) {
    return { isTaken: false, isLater: true, answer: failure(error, signal) }
  } finally {
    // it listens to the end of the process
    await client.close(0)
  }
}

/** The SDK has no end for a request that nobody answers: its connection would stay open. */
function endingWith(signal: AbortSignal): HttpModule {
  return {
    request(options, answered) {
      const settings = { ...(options as https.RequestOptions), signal }
      const { request } = settings.protocol === 'https:' ? https : http
      // of Node its own answers are no more than this
      return request(settings, answered as (response: http.IncomingMessage) => void)
    },
  }
}

function answerOf({ statusCode, headers }: Reply): SinkAnswer {
  const status = statusCode ?? 0
  const answer = String(status)
  if (status >= 200 && status < 300) return { isTaken: true, answer }
  if (status === 400 || status === 413) return { isTaken: false, isLater: false, answer }
  const pauseMs =
    pauseAsked(new Headers({ 'retry-after': headers?.['retry-after'] ?? '' })) ??
    (status === 429 ? TOO_MANY_PAUSE_MS : undefined)
  return { isTaken: false, isLater: true, answer, pauseMs }
}

function eventOf(alert: Alert): ErrorEvent {
  const { state, kind, pair, operation, entityType, owner, dedupKey, title, summary, severity, finding } =
    alert
  const { findings, open, since, help, command } = alert
  const { release, service } = finding ?? {}
  const WORDS = { firing: '', acknowledged: 'Acknowledged: ', resolved: 'Over: ' }
  return {
    type: undefined,
    // the same when it is tried again
    event_id: createHash('sha256').update(alert.id).digest('hex').slice(0, 32),
    message: `${WORDS[state]}${title}`,
    level: state === 'firing' ? LEVELS[severity] : 'info',
    logger: 'syncproof',
    fingerprint: ['syncproof', dedupKey],
    timestamp: Date.parse(alert.at) / 1_000,
    ...(operation !== null && { transaction: operation }),
    ...(release && { release }),
    tags: {
      'syncproof.state': state,
      'syncproof.kind': kind,
      'syncproof.severity': severity,
      ...(pair !== null && { 'syncproof.pair': pair }),
      ...(operation !== null && { 'syncproof.operation': operation }),
      ...(entityType !== null && { 'syncproof.entity_type': entityType }),
      ...(owner !== null && { 'syncproof.owner': owner }),
      ...(service && { 'syncproof.service': service }),
    },
    extra: { summary, findings, open, newest_finding: finding, since, help, command },
  }
}

function ending(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}
