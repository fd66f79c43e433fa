import { type FastifyReply, type FastifyRequest, LogController } from 'fastify'

/** One line a request, when it is answered: method, route, status, time. The route's pattern and not its path: paths
 *  and queries hold ids of entities, which may be personal. Probes are not logged. */
export class RequestLog extends LogController {
  override isLogDisabled(request: FastifyRequest): boolean {
    const { url } = request.routeOptions
    return url === '/livez' || url === '/readyz'
  }

  override incomingRequest(): void {}

  override requestCompleted(
    error: Error | null | undefined,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    if (this.isLogDisabled(request)) return
    const line = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      durationMs: Math.round(reply.elapsedTime * 10) / 10,
      project: request.caller?.projectId,
    }
    if (error) request.log.error({ ...line, err: error }, 'request failed')
    else request.log.info(line, 'request answered')
  }

  override routeNotFound(): void {}
}
