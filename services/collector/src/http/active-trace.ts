import { TraceFlags, trace } from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'

/** Names the span of a request by its route, where requests are traced. */
export function nameTraces(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ method, routeOptions }) => {
    const { url } = routeOptions
    if (url === undefined) return
    trace.getActiveSpan()?.updateName(`${method} ${url}`).setAttribute('http.route', url)
  })
}

/** The span that is active now, as W3C Trace Context writes it; undefined where nothing is traced. */
export function activeTraceparent(): string | undefined {
  const { traceId, spanId, traceFlags } = trace.getActiveSpan()?.spanContext() ?? {}
  const isSampled = traceFlags !== undefined && (traceFlags & TraceFlags.SAMPLED) !== 0
  return isSampled ? `00-${traceId}-${spanId}-01` : undefined
}
