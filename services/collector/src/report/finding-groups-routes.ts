import { FINDING_KINDS } from '@syncproof/core/contract'
import type { FindingGroup } from '@syncproof/store'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
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
  pair: nameParameter.optional(),
  ...pageQuery,
})

const patchSchema = z.strictObject({ status: z.enum(['open', 'acknowledged', 'muted']) })

const params = z.object({ id: nameParameter })
const groupPage = pageOf('FindingGroupPage', findingGroupSchema)

/** What keeps happening, and what has ceased to. */
export const findingGroupsRoutes: FastifyPluginAsyncZod<RouteOptions> = async (
  app,
  { store, reads, requireScope },
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
      return reads.groups.list(projectOf(request), filter, page)
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/finding-groups/:id',
    ...requireScope('read'),
    schema: {
      summary: 'Get one group of findings, with what was told of it to whom',
      tags: ['findings'],
      operationId: 'getFindingGroup',
      ...needsKey('read'),
      params,
      response: { 200: findingGroupSchema, ...problems(400, 401, 403, 404) },
    },
    async handler(request) {
      return there(await reads.groups.get(projectOf(request), request.params.id))
    },
  })

  app.route({
    method: 'PATCH',
    url: '/v1/finding-groups/:id',
    ...requireScope('admin'),
    schema: {
      summary: 'Acknowledge or mute all findings of a group that are not over, or take that back',
      tags: ['findings'],
      operationId: 'patchFindingGroup',
      ...needsKey('admin'),
      params,
      body: patchSchema,
      response: { 200: findingGroupSchema, ...problems(400, 401, 403, 404, 413, 415) },
    },
    async handler(request) {
      return there(await store.groups.patch(projectOf(request), request.params.id, request.body))
    },
  })
}

function there(group: FindingGroup | undefined): FindingGroup {
  if (group === undefined)
    throw new ProblemError('not_found', 'There is no group of findings of this id.', { parameter: 'id' })
  return group
}
