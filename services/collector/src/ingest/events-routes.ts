import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import type { HorizonReader } from '../event-horizon.ts'
import { activeTraceparent } from '../http/active-trace.ts'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { collectorLimits } from '../limits.ts'
import type { BatchResult, IngestMetrics } from '../metrics/ingest-metrics.ts'
import { batchBodySchema, receiptSchema } from '../schemas/event.ts'
import { problems } from '../schemas/problem.ts'
import { acceptedContracts, checkEnvelope } from './check-batch.ts'
import { checkEvents } from './check-event.ts'

export interface EventsRoutesOptions extends RouteOptions {
  readonly metrics: IngestMetrics
  readonly nowMs: () => number
  readonly horizon: HorizonReader
  /** Versions of the contract that are accepted. Default: this release's and the one before it. */
  readonly contracts?: readonly number[] | undefined
}

/** `POST /v1/events`: checks a batch event by event, stores the good ones, answers after the commit. */
export const eventsRoutes: FastifyPluginAsyncZod<EventsRoutesOptions> = async (app, options) => {
  const { metrics, nowMs, requireScope } = options
  app.route({
    method: 'POST',
    url: '/v1/events',
    ...requireScope('ingest'),
    bodyLimit: collectorLimits.bodyBytesMax,
    config: { inflatedBytesMax: collectorLimits.inflatedBytesMax, isIngest: true },
    // the schema is for the document: a bad event must not cost the batch, so the handler checks one by one
    validatorCompiler: () => (value: unknown) => ({ value }),
    schema: {
      summary: 'Send a batch of events; an empty one is a heartbeat',
      description:
        'Plain or with Content-Encoding: gzip. Answered after the commit: what is accepted is durable. Sending a batch again changes nothing. One bad event never costs the good ones. `syncproof-time` is the moment of the answer on this clock, in milliseconds since 1970.',
      tags: ['ingest'],
      operationId: 'sendEvents',
      ...needsKey('ingest'),
      body: batchBodySchema,
      response: { 202: receiptSchema, ...problems(400, 401, 403, 408, 413, 415, 422, 429) },
    },
    async onSend(_request, reply) {
      // `Date` has seconds only: too coarse to order the events of two processes
      reply.header('syncproof-time', String(nowMs()))
    },
    async onResponse(request, reply) {
      const { traceparent } = request.headers
      metrics.batch(batchResult(request, reply), reply.elapsedTime / 1000, String(traceparent ?? ''))
    },
    async handler(request, reply) {
      const run = () => ingest(options, projectOf(request), request.body)
      return reply.code(202).send(await (request.admitted?.during(run) ?? run()))
    },
  })
}

async function ingest(
  { store, metrics, nowMs, horizon, contracts = acceptedContracts }: EventsRoutesOptions,
  project: string,
  body: unknown,
) {
  const envelope = checkEnvelope(body, contracts)
  if (!envelope.ok) {
    const { code, detail, pointer } = envelope
    // behind a balancer of connections the next try may find a collector that is upgraded already
    const headers = code === 'unsupported_contract' ? { connection: 'close' } : {}
    throw new ProblemError(code, detail, { pointer, headers })
  }
  const { accepted: valid, rejected } = await checkEvents(envelope.events, nowMs(), await horizon(nowMs()))
  if (valid.length === 0 && rejected.length > 0) {
    metrics.events({ valid, accepted: 0, duplicates: 0, rejected })
    throw new ProblemError(
      'no_valid_event',
      `Not one of the ${rejected.length} events of the batch is valid.`,
      {
        pointer: '/events',
        extensions: { rejected },
      },
    )
  }
  const traceparent = activeTraceparent()
  // before they are there, so that whoever judges them finds it; and never in the way of them
  if (traceparent !== undefined) {
    const ids = valid.map(({ id }) => id)
    await store.traces.note(project, ids, traceparent).catch(() => {})
  }
  const { accepted, duplicates } = await store.events.append(project, envelope.process, valid)
  metrics.events({ valid, accepted, duplicates, rejected })
  return { accepted, duplicates, rejected }
}

function batchResult(request: FastifyRequest, reply: FastifyReply): BatchResult {
  if (reply.statusCode !== 202) return 'refused'
  const { events } = request.body as { readonly events: readonly unknown[] }
  return events.length === 0 ? 'heartbeat' : 'stored'
}
