import { FINDING_KINDS } from '@syncproof/core/contract'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { nameParameter } from '../schemas/common.ts'
import { findingGroupSchema, groupStatusSchema } from '../schemas/finding-group.ts'
import { pageOf, pageQuery, splitQuery } from '../schemas/page.ts'
import { problems } from '../schemas/problem.ts'

const querySchema = z.strictObject({
  status: groupStatusSchema.optional(),
  kind: z.enum(FINDING_KINDS).optional(),
  operation: nameParameter.optional().meta({ description: 'Name of the wrapped function.' }),
  entity_type: nameParameter.optional(),
  ...pageQuery,
})

const groupPage = pageOf('FindingGroupPage', findingGroupSchema)

/** What keeps happening, and what has ceased to. */
export const findingGroupsRoutes: FastifyPluginAsyncZod<RouteOptions> = async (
  app,
  { store, requireScope },
) => {
  app.route({
    method: 'GET',
    url: '/v1/finding-groups',
    ...requireScope('read'),
    schema: {
      summary: 'List groups of findings of one kind, function and entity type, last finding first',
      tags: ['findings'],
      operationId: 'listFindingGroups',
      ...needsKey('read'),
      querystring: querySchema,
      response: { 200: groupPage, ...problems(400, 401, 403) },
    },
    async handler(request) {
      const { page, filter } = splitQuery(request.query)
      return store.groups.list(projectOf(request), filter, page)
    },
  })
}
