import type { ErrorCode } from '@syncproof/core/contract/errors'
import { InvalidCursorError, StoreUnavailableError } from '@syncproof/store'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { collectorLimits } from '../limits.ts'
import type { ProblemMetrics } from '../metrics/ingest-metrics.ts'
import { ProblemError, problemDocument } from './problem.ts'

/** Makes every error of the app a problem document, counted by code; faults of our own are logged whole and
 *  answered without a word of them. */
export function answerProblems(
  app: FastifyInstance,
  metrics: ProblemMetrics,
  onFault?: (error: unknown) => void,
): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.code === 'internal') onFault?.(error)
    return sendProblem(problem, request, reply, metrics)
  })
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      new ProblemError('not_found', `${request.method} of this path is not served here.`),
      request,
      reply,
      metrics,
    ),
  )
}

export function sendProblem(
  problem: ProblemError,
  request: FastifyRequest,
  reply: FastifyReply,
  metrics: ProblemMetrics,
): FastifyReply {
  metrics.problem(problem.code)
  if (problem.statusCode >= 500) request.log.error({ err: problem.cause ?? problem }, problem.message)
  // Fastify asks to close after a body that failed; ours is read to its end or discarded, so that the answer
  // surely arrives, and the connection stays good
  reply.removeHeader('connection')
  return (
    reply
      .code(problem.statusCode)
      .headers({ ...problem.options.headers })
      .header('content-type', 'application/problem+json')
      // bytes, because Fastify gives JSON text a charset, a parameter that problem+json does not have
      .send(Buffer.from(JSON.stringify(problemDocument(problem, request.id))))
  )
}

/** What the client may know of an error. */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error
  if (error instanceof StoreUnavailableError) {
    return unavailable('The database does not answer. The collector recovers by itself: ask again.', error)
  }
  if (error instanceof InvalidCursorError) {
    return new ProblemError(
      'invalid_request',
      'cursor: must be the next_cursor of an answer to the same query.',
      {
        parameter: 'cursor',
      },
    )
  }
  return (
    frameworkProblem(error) ?? new ProblemError('internal', 'A fault of Syncproof itself.', { cause: error })
  )
}

export function unavailable(detail: string, cause?: unknown): ProblemError {
  return new ProblemError('store_unavailable', detail, {
    cause,
    headers: { 'retry-after': String(collectorLimits.retryAfterSeconds) },
  })
}

export function replicaUnavailable(cause?: unknown): ProblemError {
  return new ProblemError(
    'replica_unavailable',
    'The replica that reports are read from does not answer, or could not finish the read. Events are taken in all the same.',
    { cause, headers: { 'retry-after': String(collectorLimits.retryAfterSeconds) } },
  )
}

export function noAnswerInTime(cause?: unknown): ProblemError {
  return unavailable(
    'No answer in time. Asking again is safe: a batch that was stored is not stored twice.',
    cause,
  )
}

const frameworkCodes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_BAD_URL: ['invalid_request', 'The path is not valid percent-encoded UTF-8.'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_request', 'A part of the path is too long.'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'The body must be application/json.'],
}

/** Fastify's own errors that a client can cause. */
function frameworkProblem(error: unknown): ProblemError | undefined {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== 'string') return undefined
  if (code === 'FST_ERR_HANDLER_TIMEOUT') return noAnswerInTime(error)
  const known = Object.hasOwn(frameworkCodes, code) ? frameworkCodes[code] : undefined
  return known && new ProblemError(known[0], known[1])
}
