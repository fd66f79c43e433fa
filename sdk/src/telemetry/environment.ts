/** What the environment of OpenTelemetry says of this process. Empty variables count as unset. */
export interface TelemetryEnvironment {
  /** OTEL_SERVICE_NAME, else `service.name` of OTEL_RESOURCE_ATTRIBUTES. */
  readonly service: string | undefined
  /** `service.version` of OTEL_RESOURCE_ATTRIBUTES. */
  readonly release: string | undefined
  /** The variable that turns reporting off: SYNCPROOF_DISABLED; where that is not set, OTEL_SDK_DISABLED. */
  readonly disabledBy: 'SYNCPROOF_DISABLED' | 'OTEL_SDK_DISABLED' | undefined
}

export function readTelemetryEnvironment(env: NodeJS.ProcessEnv): TelemetryEnvironment {
  const attributes = resourceAttributes(env.OTEL_RESOURCE_ATTRIBUTES ?? '')
  const deciding = env.SYNCPROOF_DISABLED ? 'SYNCPROOF_DISABLED' : 'OTEL_SDK_DISABLED'
  return {
    service: env.OTEL_SERVICE_NAME || attributes.get('service.name') || undefined,
    release: attributes.get('service.version') || undefined,
    disabledBy: env[deciding]?.toLowerCase() === 'true' ? deciding : undefined,
  }
}

/** `key=value` pairs with commas between them, the values percent-encoded. What cannot be decoded voids all, as
 *  OpenTelemetry wants it. */
function resourceAttributes(text: string): ReadonlyMap<string, string> {
  try {
    return new Map(
      text.split(',').map((pair) => {
        const at = pair.indexOf('=')
        return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]
      }),
    )
  } catch {
    return new Map()
  }
}
