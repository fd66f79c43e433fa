import { register } from 'node:module'
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis'
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg'
import { NodeSDK } from '@opentelemetry/sdk-node'
import * as Sentry from '@sentry/node'

/** What the services tell of themselves, beside their metrics. */
export interface Telemetry {
  /** A fault of Syncproof itself. */
  capture(error: unknown): void
  /** Sends what is left, as long as that takes no longer than seconds. Never rejects. */
  close(): Promise<void>
}

const FLUSH_MS_MAX = 2_000

export function openTelemetry(options: {
  readonly service: string
  readonly isTraced: boolean
  readonly sentryDsn: string | undefined
  readonly release: string | undefined
}): Telemetry {
  const sdk = options.isTraced ? startTracing(options.service) : undefined
  if (options.sentryDsn !== undefined) startSentry(options.sentryDsn, options.release)
  return {
    capture(error) {
      if (options.sentryDsn !== undefined) Sentry.captureException(error)
    },
    async close() {
      if (options.sentryDsn !== undefined) await Sentry.close(FLUSH_MS_MAX)
      // an endpoint that is not there is no reason to end otherwise
      if (sdk) await Promise.race([sdk.shutdown().catch(() => {}), pause(FLUSH_MS_MAX)])
    },
  }
}

/** Endpoint, protocol, headers and sampler are the standard variables of OpenTelemetry. */
function startTracing(service: string): NodeSDK {
  // what is imported from here on can be traced
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url)
  const sdk = new NodeSDK({
    serviceName: `syncproof-${service}`,
    instrumentations: [
      new HttpInstrumentation({
        ignoreIncomingRequestHook: ({ url = '' }) => /^\/(metrics|livez|readyz)\b/.test(url),
      }),
      // of a service that asks its database all the time only what a request asks is of interest
      new PgInstrumentation({ requireParentSpan: true }),
      new IORedisInstrumentation({ requireParentSpan: true }),
    ],
  })
  sdk.start()
  return sdk
}

/** Errors alone: the traces are OpenTelemetry's, and errors get the id of the one that is active. */
function startSentry(dsn: string, release: string | undefined): void {
  Sentry.init({
    dsn,
    release,
    integrations: (defaults) => [
      // it wraps hooks, by which routes are told apart from those that ask for no key
      ...defaults.filter(({ name }) => name !== 'Fastify'),
      Sentry.openTelemetryIntegration(),
    ],
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
