import { randomUUID } from 'node:crypto'
import type { Store } from '@syncproof/store'
import Fastify, { type FastifyInstance } from 'fastify'
import { serializerCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Registry } from 'prom-client'
import { horizonReader } from './event-horizon.ts'
import { healthRoutes } from './health-routes.ts'
import { beatWhileListening } from './heartbeat.ts'
import { nameTraces } from './http/active-trace.ts'
import { Admission, admitBodies, type Quota } from './http/admission.ts'
import { answerInTime } from './http/answer-in-time.ts'
import { authenticateRequests } from './http/auth.ts'
import { answerClientError } from './http/client-error.ts'
import { endConnectionsWhenClosing } from './http/drain.ts'
import { parseJsonBodies } from './http/json-body.ts'
import { answerProblems, sendProblem, toProblem } from './http/problems.ts'
import { RequestLog } from './http/request-log.ts'
import { validatorCompiler } from './http/validate.ts'
import { eventsRoutes } from './ingest/events-routes.ts'
import { collectorLimits } from './limits.ts'
import { type IngestMetrics, registerIngestMetrics } from './metrics/ingest-metrics.ts'
import { registerReplicaMetrics } from './metrics/replica-metrics.ts'
import { registerStoreMetrics } from './metrics/store-metrics.ts'
import { serveOpenApi } from './openapi.ts'
import { registerSpanMetrics } from './otlp/span-metrics.ts'
import { tracesRoutes } from './otlp/traces-routes.ts'
import { replicaReads } from './replica/replica-reads.ts'
import { eventExportRoutes } from './report/events-routes.ts'
import { findingGroupsRoutes } from './report/finding-groups-routes.ts'
import { findingsRoutes } from './report/findings-routes.ts'
import { maintenanceRoutes } from './report/maintenance-routes.ts'
import { operationsRoutes } from './report/operations-routes.ts'
import { pairsRoutes } from './report/pairs-routes.ts'
import { processesRoutes } from './report/processes-routes.ts'
import { reportsRoutes } from './report/reports-routes.ts'
import { sectionsRoutes } from './report/sections-routes.ts'

export interface CollectorOptions {
  /** Used, not owned: closing the collector leaves it open. */
  readonly store: Store
  /** A standby of the store's database, which what the report API shows is read from: `openStore` of its address. Used, not
   *  owned. Default: the store. */
  readonly replica?: Store | undefined
  /** The collector's metrics are registered here, once a registry; serving them is the caller's. */
  readonly metrics: Registry
  /** Off where absent. Lines of JSON, to stdout where no stream is given. */
  readonly logger?: CollectorLog | undefined
  /** Milliseconds since 1970. Default: Date.now. */
  readonly nowMs?: (() => number) | undefined
  /** Hears of each fault of the collector itself. */
  readonly onFault?: ((error: unknown) => void) | undefined
  /** A clock that never jumps, in milliseconds. Default: performance.now. */
  readonly clockMs?: (() => number) | undefined
  /** Versions of the event contract that are accepted. Default: this release's and the one before it. */
  readonly contracts?: readonly number[] | undefined
  /** Of each key. Default: `collectorLimits`. */
  readonly quota?: Quota | undefined
  /** Default: `collectorLimits.bodiesBytesMax`. */
  readonly bodiesBytesMax?: number | undefined
  /** Default: `collectorLimits.requestTimeoutMs`. */
  readonly requestTimeoutMs?: number | undefined
  /** Default: `collectorLimits.handlerTimeoutMs`. */
  readonly handlerTimeoutMs?: number | undefined
}

export interface CollectorLog {
  readonly level: string
  readonly stream?: { write(line: string): void }
}

/** The collector's app, not listening: every route answers to `inject`. Does not touch the store before a request
 *  does, so it can be built while the database is away. */
export async function buildCollector(options: CollectorOptions): Promise<FastifyInstance> {
  const { store, replica, metrics: registry, nowMs = Date.now } = options
  const admission = openAdmission(options)
  const metrics = registerIngestMetrics(registry, () => admission.bytes)
  const spanMetrics = registerSpanMetrics(registry)
  registerStoreMetrics(registry, store, { clockMs: options.clockMs ?? (() => performance.now()), nowMs })
  registerReplicaMetrics(registry, store, replica)

  const app = createApp(options, metrics)
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  nameTraces(app)
  parseJsonBodies(app)
  admitBodies(app, admission)
  answerInTime(app, handlerTimeoutOf(options))
  answerProblems(app, metrics, options.onFault)
  endConnectionsWhenClosing(app)
  const requireScope = authenticateRequests(app, store.keys)
  beatWhileListening(app, store)

  await serveOpenApi(app)
  const routes = { store, reads: replica ? replicaReads(store, replica) : store, requireScope }
  const typed = app.withTypeProvider<ZodTypeProvider>()
  await typed.register(healthRoutes, { store, replica })
  const taken = { ...routes, metrics, nowMs, horizon: horizonReader(store.retention) }
  await typed.register(eventsRoutes, { ...taken, contracts: options.contracts })
  await typed.register(tracesRoutes, { ...taken, spanMetrics })
  await typed.register(findingsRoutes, routes)
  await typed.register(findingGroupsRoutes, routes)
  await typed.register(operationsRoutes, routes)
  await typed.register(eventExportRoutes, routes)
  await typed.register(processesRoutes, routes)
  await typed.register(reportsRoutes, routes)
  await typed.register(pairsRoutes, routes)
  await typed.register(sectionsRoutes, routes)
  await typed.register(maintenanceRoutes, routes)
  return app
}

function openAdmission({ quota, bodiesBytesMax }: CollectorOptions): Admission {
  const { keyRequestsPerSecond, keyBytesPerSecond } = collectorLimits
  return new Admission({
    quota: quota ?? { requestsPerSecond: keyRequestsPerSecond, bytesPerSecond: keyBytesPerSecond },
    bytesMax: bodiesBytesMax ?? collectorLimits.bodiesBytesMax,
    clockMs: () => performance.now(),
  })
}

function handlerTimeoutOf({ handlerTimeoutMs }: CollectorOptions): number {
  return handlerTimeoutMs ?? collectorLimits.handlerTimeoutMs
}

function createApp(options: CollectorOptions, metrics: IngestMetrics): FastifyInstance {
  const requestTimeout = options.requestTimeoutMs ?? collectorLimits.requestTimeoutMs
  return Fastify({
    logger: options.logger
      ? { ...options.logger, redact: ['req.headers.authorization', 'headers.authorization'] }
      : false,
    logController: new RequestLog(),
    genReqId: () => randomUUID(),
    bodyLimit: collectorLimits.reportBodyBytesMax,
    routerOptions: { maxParamLength: collectorLimits.paramLengthMax },
    requestTimeout,
    handlerTimeout: handlerTimeoutOf(options),
    connectionTimeout: collectorLimits.idleTimeoutMs,
    keepAliveTimeout: collectorLimits.keepAliveTimeoutMs,
    http: {
      // Node takes the longer of the two for the whole request
      headersTimeout: Math.min(collectorLimits.headersTimeoutMs, requestTimeout),
      connectionsCheckingInterval: collectorLimits.timeoutCheckMs,
      maxHeaderSize: collectorLimits.headersBytesMax,
    },
    forceCloseConnections: 'idle',
    // what still comes in on an open connection while closing is answered, not turned away
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => {
      sendProblem(toProblem(error), request, reply, metrics)
    },
    clientErrorHandler: answerClientError,
  })
}
