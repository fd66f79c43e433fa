import { Readable } from 'node:stream'
import type { EventFilter } from '@syncproof/store'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { collectorLimits } from '../limits.ts'
import { nameParameter, sinceParameter } from '../schemas/common.ts'
import { cursorParameter } from '../schemas/page.ts'
import { problems } from '../schemas/problem.ts'
import { exportLines } from './event-export.ts'

const querySchema = z.strictObject({
  since: sinceParameter,
  until: sinceParameter,
  entity_type: nameParameter.optional(),
  entity_id: nameParameter.optional(),
  operation: nameParameter.optional().meta({ description: 'Name of the wrapped function.' }),
  kind: nameParameter.optional(),
  cursor: cursorParameter,
})

type Query = z.infer<typeof querySchema>

const NDJSON = 'application/x-ndjson'
const lines = {
  description:
    'One JSON object a line: first { type: export }, then { type: process } before the first event of a process, { type: event }, { type: cursor }, and at last { type: end }.',
  content: { [NDJSON]: { schema: z.string() as unknown as z.ZodType<Readable> } },
}

/** Events out. */
export const eventExportRoutes: FastifyPluginAsyncZod<RouteOptions> = async (
  app,
  { reads, requireScope },
) => {
  app.route({
    method: 'GET',
    url: '/v1/events',
    ...requireScope('read'),
    handlerTimeout: collectorLimits.exportTimeoutMs,
    schema: {
      summary: 'Export events, as they were sent, with their processes',
      description:
        'Everything that was stored before the request, or what the filter asks for. **Without the last line, of type end, it is not whole**: ask again with the last cursor that came. Times are those of the event ids; since is inclusive, until is not.',
      tags: ['telemetry'],
      operationId: 'exportEvents',
      ...needsKey('read'),
      querystring: querySchema,
      response: { 200: lines, ...problems(400, 401, 403) },
    },
    async handler(request, reply) {
      const { cursor, ...asked } = request.query
      const project = projectOf(request)
      const filter = filterOf(asked)
      const readPage = (from: string | undefined) => reads.dumps.page(project, filter, from)
      const first = await readPage(cursor)
      const given = Object.fromEntries(
        Object.entries(asked).filter((member): member is [string, string] => member[1] !== undefined),
      )
      return reply.type(NDJSON).send(Readable.from(exportLines(given, first, readPage)))
    },
  })
}

function filterOf({ entity_type, entity_id, ...rest }: Omit<Query, 'cursor'>): EventFilter {
  if ((entity_type === undefined) !== (entity_id === undefined)) {
    const parameter = entity_type === undefined ? 'entity_type' : 'entity_id'
    throw new ProblemError('invalid_request', `${parameter}: must be there too: an entity has type and id.`, {
      parameter,
    })
  }
  const entity =
    entity_type === undefined || entity_id === undefined ? undefined : { type: entity_type, id: entity_id }
  return { ...rest, entity }
}
