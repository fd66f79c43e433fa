import type { FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { HorizonReader } from '../event-horizon.ts'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { collectorLimits } from '../limits.ts'
import type { IngestMetrics } from '../metrics/ingest-metrics.ts'
import { problems } from '../schemas/problem.ts'
import { traceAnswerSchema, traceBodySchema } from '../schemas/trace.ts'
import type { SpanMetrics } from './span-metrics.ts'
import { type SpansTaken, takeSpans } from './take-spans.ts'

export interface TracesRoutesOptions extends RouteOptions {
  readonly metrics: IngestMetrics
  readonly spanMetrics: SpanMetrics
  readonly nowMs: () => number
  readonly horizon: HorizonReader
}

/** `POST /v1/traces`: OTLP/HTTP in JSON, answered after the commit. */
export const tracesRoutes: FastifyPluginAsyncZod<TracesRoutesOptions> = async (app, options) => {
  const { store, metrics, spanMetrics, nowMs, horizon, requireScope } = options
  app.route({
    method: 'POST',
    url: '/v1/traces',
    ...requireScope('ingest'),
    preParsing: async (request) => refuseProtobuf(request),
    bodyLimit: collectorLimits.bodyBytesMax,
    config: { inflatedBytesMax: collectorLimits.inflatedBytesMax, isIngest: true },
    // the schema is for the document: a bad span must not cost the others, so the handler checks one by one
    validatorCompiler: () => (value: unknown) => ({ value }),
    schema: {
      summary: 'Send spans of OpenTelemetry (OTLP/HTTP in JSON)',
      description:
        'Spans with the attributes of docs/otlp.md become operations, reads, writes and syncs; others are ignored. Plain or with Content-Encoding: gzip. Answered after the commit. Sending a request again changes nothing. One bad span never costs the good ones: partialSuccess says how many were rejected, and why.',
      tags: ['ingest'],
      operationId: 'sendSpans',
      ...needsKey('ingest'),
      body: traceBodySchema,
      response: { 200: traceAnswerSchema, ...problems(400, 401, 403, 408, 413, 415, 429) },
    },
    async handler(request) {
      const run = async () =>
        takeSpans(store, projectOf(request), request.body, nowMs(), await horizon(nowMs()))
      const taken = await (request.admitted?.during(run) ?? run())
      spanMetrics.spans(taken)
      for (const batch of taken.batches) metrics.events({ ...batch, rejected: [] })
      return answerOf(taken)
    },
  })
}

/** Most exporters speak protobuf until they are told otherwise. */
async function refuseProtobuf({ headers }: FastifyRequest): Promise<void> {
  if (!/protobuf/i.test(headers['content-type'] ?? '')) return
  throw new ProblemError(
    'unsupported_media_type',
    'Spans are read as JSON, and this is protobuf: set OTEL_EXPORTER_OTLP_PROTOCOL=http/json; where the exporter has no JSON, send through an OpenTelemetry Collector whose otlphttp exporter has `encoding: json`.',
  )
}

/** An ExportTraceServiceResponse. A whole success says nothing; a count of 64 bits is text. */
function answerOf({ rejected, messages }: SpansTaken) {
  if (rejected === 0) return {}
  const more = rejected - messages.length
  const errorMessage = [...messages, ...(more > 0 ? [`and ${more} more`] : [])].join('; ')
  return { partialSuccess: { rejectedSpans: String(rejected), errorMessage } }
}
