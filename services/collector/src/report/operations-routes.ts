import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { nameParameter, sinceParameter } from '../schemas/common.ts'
import { storedEventSchema } from '../schemas/event.ts'
import { operationSchema } from '../schemas/operation.ts'
import { pageOf, pageQuery, splitQuery } from '../schemas/page.ts'
import { problems } from '../schemas/problem.ts'
import { reportedEvents, reportedPage } from './reported-events.ts'

const operationsQuery = z.strictObject({
  operation: nameParameter.optional().meta({ description: 'Name of the wrapped function.' }),
  entity_type: nameParameter.optional(),
  entity_id: nameParameter.optional(),
  since: sinceParameter,
  ...pageQuery,
})

const eventPage = pageOf('EventPage', storedEventSchema)
const operationPage = pageOf('OperationPage', operationSchema)
const tags = ['telemetry']

/** What the wrapped functions reported: by entity, by operation. */
export const operationsRoutes: FastifyPluginAsyncZod<RouteOptions> = async (app, { reads, requireScope }) => {
  app.route({
    method: 'GET',
    url: '/v1/entities/:type/:id/timeline',
    ...requireScope('read'),
    schema: {
      summary: 'List every event of one entity, newest first, inconsistent ones too',
      tags,
      operationId: 'listTimeline',
      ...needsKey('read'),
      params: z.object({ type: nameParameter, id: nameParameter }),
      querystring: z.strictObject(pageQuery),
      response: { 200: eventPage, ...problems(400, 401, 403) },
    },
    async handler(request) {
      const { type, id } = request.params
      const project = projectOf(request)
      const page = await reads.events.timeline(project, { type, id }, request.query)
      return reportedPage(page, (events) => reportedEvents(reads, project, events))
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/operations',
    ...requireScope('read'),
    schema: {
      summary: 'List operations, newest first',
      tags,
      operationId: 'listOperations',
      ...needsKey('read'),
      querystring: operationsQuery,
      response: { 200: operationPage, ...problems(400, 401, 403) },
    },
    async handler(request) {
      const { page, filter } = splitQuery(request.query)
      return reads.operations.list(projectOf(request), filter, page)
    },
  })
}
