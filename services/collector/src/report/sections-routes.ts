import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { nameParameter, sinceParameter } from '../schemas/common.ts'
import { pageOf, pageQuery, splitQuery } from '../schemas/page.ts'
import { problems } from '../schemas/problem.ts'
import { sectionSchema } from '../schemas/section.ts'

const querySchema = z.strictObject({
  name: nameParameter.optional().meta({ description: 'Name of the section.' }),
  service: nameParameter.optional(),
  release: nameParameter.optional(),
  since: sinceParameter,
  ...pageQuery,
})

const sectionPage = pageOf('SectionPage', sectionSchema)

/** The declared sections, and how often each held its lock. */
export const sectionsRoutes: FastifyPluginAsyncZod<RouteOptions> = async (app, { reads, requireScope }) => {
  app.route({
    method: 'GET',
    url: '/v1/sections',
    ...requireScope('read'),
    schema: {
      summary: 'List how often each declared section held its lock, by service and release, newest first',
      tags: ['telemetry'],
      operationId: 'listSections',
      ...needsKey('read'),
      querystring: querySchema,
      response: { 200: sectionPage, ...problems(400, 401, 403) },
    },
    async handler(request) {
      const { page, filter } = splitQuery(request.query)
      return reads.sections.list(projectOf(request), filter, page)
    },
  })
}
