import Fastify, { type FastifyInstance } from 'fastify'
import { AtsError } from './ats-client.ts'
import { type Candidate, STAGES } from './candidate.ts'
import { db } from './database.ts'
import { syncCandidate } from './sync-candidate.ts'

// PostgreSQL stores no NUL in text
const TEXT = '^[^\\u0000]*$'

const updates = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  required: ['updatedBy'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 200, pattern: TEXT },
    email: { type: 'string', minLength: 3, maxLength: 320, pattern: TEXT },
    phone: { type: ['string', 'null'], maxLength: 40, pattern: TEXT },
    stage: { enum: STAGES },
    score: { type: 'integer', minimum: 0, maximum: 2_147_483_647 },
    notes: { type: ['string', 'null'], maxLength: 2_000, pattern: TEXT },
    updatedBy: { type: 'string', minLength: 1, maxLength: 100, pattern: TEXT },
  },
} as const

const NO_SUCH_CANDIDATE = { error: 'no_such_candidate' }

/** The candidate API. Does not listen yet. */
export function buildApp(): FastifyInstance {
  // a wrong type is the caller's mistake: it is answered, not bent into shape
  const app = Fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false } } })

  app.get<{ Params: { id: string } }>('/candidates/:id', async (request, reply) => {
    const candidate = await db.candidates.findUnique({ where: { id: request.params.id } })
    return candidate ?? reply.code(404).send(NO_SUCH_CANDIDATE)
  })

  app.patch<{ Params: { id: string }; Body: Partial<Candidate> }>(
    '/candidates/:id',
    { schema: { body: updates } },
    async (request, reply) => {
      const { id } = request.params
      if (!(await db.candidates.findUnique({ where: { id } }))) return reply.code(404).send(NO_SUCH_CANDIDATE)
      return syncCandidate(id, request.body)
    },
  )

  // a connection whose last answer comes while the app closes would keep it open until it has idled long enough
  let closing = false
  app.addHook('preClose', async () => {
    closing = true
  })
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close')
  })

  app.setErrorHandler((error, _request, reply) => {
    if (error instanceof AtsError)
      return reply
        .code(502)
        .send({ error: 'ats_failed', message: error.message, atsStatus: error.status ?? null })
    return reply.send(error)
  })
  return app
}
