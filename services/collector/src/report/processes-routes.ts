import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { nameParameter } from '../schemas/common.ts'
import { pageOf, pageQuery } from '../schemas/page.ts'
import { problems } from '../schemas/problem.ts'
import { minuteSchema, processSchema } from '../schemas/process.ts'

const processPage = pageOf('ProcessPage', processSchema)
const minutePage = pageOf('ProcessMinutePage', minuteSchema)
const tags = ['telemetry']

/** The closed books: what each process produced, and what became of it. */
export const processesRoutes: FastifyPluginAsyncZod<RouteOptions> = async (app, { reads, requireScope }) => {
  app.route({
    method: 'GET',
    url: '/v1/processes',
    ...requireScope('read'),
    schema: {
      summary:
        'List processes with their books: produced, stored, dropped, in flight, unaccounted, inconsistent',
      tags,
      operationId: 'listProcesses',
      ...needsKey('read'),
      querystring: z.strictObject(pageQuery),
      response: { 200: processPage, ...problems(400, 401, 403) },
    },
    handler: async (request) => reads.processes.list(projectOf(request), request.query),
  })

  app.route({
    method: 'GET',
    url: '/v1/processes/:id/minutes',
    ...requireScope('read'),
    schema: {
      summary: 'List the books of a process minute by minute, of the last day, newest first',
      description:
        'In each: in_flight of the minute before + produced = stored + dropped + unaccounted + in_flight. Minutes in which nothing was heard of the process are left out.',
      tags,
      operationId: 'listProcessMinutes',
      ...needsKey('read'),
      params: z.object({ id: nameParameter }),
      querystring: z.strictObject(pageQuery),
      response: { 200: minutePage, ...problems(400, 401, 403, 404) },
    },
    async handler(request) {
      const page = await reads.processes.minutes(projectOf(request), request.params.id, request.query)
      if (page === undefined)
        throw new ProblemError('not_found', 'There is no process of this id.', { parameter: 'id' })
      return page
    },
  })
}
