import type { MaintenanceWindow } from '@syncproof/store'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { nameParameter, timeSchema } from '../schemas/common.ts'
import { problems } from '../schemas/problem.ts'
import { component } from '../schemas/registry.ts'

const SECONDS_MIN = 60
/** Who forgets to end one loses a month of pages at most. */
const SECONDS_MAX = 30 * 24 * 60 * 60
const PAIRS_MAX = 100
const REASON_LENGTH_MAX = 200

const windowSchema: z.ZodType<MaintenanceWindow> = component(
  'MaintenanceWindow',
  z.object({
    id: z.string(),
    pairs: z.array(z.string()).nullable().meta({ description: 'Null: all.' }),
    reason: z.string(),
    starts_at: timeSchema,
    ends_at: timeSchema,
    configured: z.boolean().meta({ description: 'Named in the configuration.' }),
  }),
)

const windowList = component(
  'MaintenanceWindowList',
  z.object({ items: z.array(windowSchema), next_cursor: z.null() }),
)

const startSchema = component(
  'MaintenanceRequest',
  z.strictObject({
    pairs: z
      .array(nameParameter)
      .min(1)
      .max(PAIRS_MAX)
      .optional()
      .meta({ description: 'All where left out.' }),
    reason: z.string().min(1).max(REASON_LENGTH_MAX),
    seconds: z.int().min(SECONDS_MIN).max(SECONDS_MAX),
  }),
)

const params = z.object({ id: nameParameter })
const tags = ['alerts']

/** Times in which pages are held back, as for a bulk migration. */
export const maintenanceRoutes: FastifyPluginAsyncZod<RouteOptions> = async (
  app,
  { store, requireScope },
) => {
  app.route({
    method: 'GET',
    url: '/v1/maintenance',
    ...requireScope('read'),
    schema: {
      summary: 'List the maintenance windows that have not ended, all at once',
      tags,
      operationId: 'listMaintenance',
      ...needsKey('read'),
      querystring: z.strictObject({}),
      response: { 200: windowList, ...problems(400, 401, 403) },
    },
    handler: async (request) => ({
      items: [...(await store.maintenance.list(projectOf(request)))],
      next_cursor: null,
    }),
  })

  app.route({
    method: 'POST',
    url: '/v1/maintenance',
    ...requireScope('admin'),
    schema: {
      summary: 'Begin a maintenance window: pages are held back, and told afterwards where they still hold',
      tags,
      operationId: 'startMaintenance',
      ...needsKey('admin'),
      body: startSchema,
      response: { 201: windowSchema, ...problems(400, 401, 403, 404, 413, 415) },
    },
    async handler(request, reply) {
      const { pairs = null, reason, seconds } = request.body
      const project = projectOf(request)
      const known = new Set((await store.reports.pairs(project)).map(({ name }) => name))
      const wrong = pairs?.findIndex((pair) => !known.has(pair)) ?? -1
      if (wrong >= 0)
        throw new ProblemError('pair_not_found', 'No pair of this name is configured.', {
          pointer: `/pairs/${wrong}`,
        })
      const window = await store.maintenance.start(project, { pairs, reason, forMs: seconds * 1_000 })
      return reply.code(201).send(window)
    },
  })

  app.route({
    method: 'POST',
    url: '/v1/maintenance/:id/end',
    ...requireScope('admin'),
    schema: {
      summary: 'End a maintenance window now',
      tags,
      operationId: 'endMaintenance',
      ...needsKey('admin'),
      params,
      response: { 200: windowSchema, ...problems(400, 401, 403, 404) },
    },
    async handler(request) {
      const [ended] = await store.maintenance.end(projectOf(request), request.params.id)
      if (ended === undefined)
        throw new ProblemError('not_found', 'No window of this id is on or ahead.', { parameter: 'id' })
      return ended
    },
  })
}
