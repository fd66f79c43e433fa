import type { CommandSpec } from '../command.ts'
import type { Telemetry } from './telemetry.ts'

type Environment = Readonly<Record<string, string | undefined>>

const NONE: Telemetry = { capture() {}, async close() {} }

/** Of a service, starts what the environment asks for: OpenTelemetry where an endpoint is set, Sentry where a DSN is. Call it before anything
 *  that is to be traced is imported. Neither can break, hold up or end the service.
 *  OTEL_SERVICE_NAME says how it is called; by default after its command. */
export async function startTelemetry({ name, isService }: CommandSpec, env: Environment): Promise<Telemetry> {
  const isTraced =
    env.OTEL_SDK_DISABLED !== 'true' &&
    Boolean(env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT)
  if (!isService || (!isTraced && !env.SENTRY_DSN)) return NONE
  const { openTelemetry } = await import('./telemetry.ts')
  return openTelemetry({
    service: name,
    isTraced,
    sentryDsn: env.SENTRY_DSN || undefined,
    release: env.SENTRY_RELEASE,
  })
}
