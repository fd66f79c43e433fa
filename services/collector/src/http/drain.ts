import type { FastifyInstance } from 'fastify'

/** While the app closes, every answer ends its connection: one that was kept alive would hold the server open until
 *  its timeout. */
export function endConnectionsWhenClosing(app: FastifyInstance): void {
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })
}
