import type { FastifyInstance } from 'fastify'
import { noAnswerInTime } from './problems.ts'

/** Answers a request with a body that waits for the store too long. Fastify's `handlerTimeout` does not: it ends its timer
 *  with the request's 'close', which Node emits when the body has been read. What was begun goes on.
 *  @param timeoutMs from the body's last byte */
export function answerInTime(app: FastifyInstance, timeoutMs: number): void {
  app.addHook('preHandler', async (request, reply) => {
    if (request.body === undefined) return
    const timer = setTimeout(() => {
      if (!reply.sent) reply.send(noAnswerInTime())
    }, timeoutMs)
    reply.raw.once('close', () => clearTimeout(timer))
  })
}
