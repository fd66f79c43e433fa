import { limits } from '@syncproof/core/contract'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { collectorLimits } from '../limits.ts'
import { nameParameter } from '../schemas/common.ts'
import { problems } from '../schemas/problem.ts'
import { component } from '../schemas/registry.ts'
import { pairSchema, reportSchema } from '../schemas/report.ts'

const requestSchema = component(
  'ReconciliationRequest',
  z.strictObject({
    pair: nameParameter,
    keys: z
      .array(z.string().min(1).max(limits.stringLengthMax))
      .min(1)
      .max(collectorLimits.keysPerReconciliationMax)
      .optional()
      .meta({ description: 'Only these records; the whole pair where left out.' }),
  }),
)
const pairList = component('PairList', z.object({ items: z.array(pairSchema), next_cursor: z.null() }))
const tags = ['reconciliation']

/** Pairs, and asking for a reconciliation of one. */
export const pairsRoutes: FastifyPluginAsyncZod<RouteOptions> = async (
  app,
  { store, reads, requireScope },
) => {
  app.route({
    method: 'GET',
    url: '/v1/pairs',
    ...requireScope('read'),
    schema: {
      summary: 'List the configured pairs with their last report, all at once',
      tags,
      operationId: 'listPairs',
      ...needsKey('read'),
      querystring: z.strictObject({}),
      response: { 200: pairList, ...problems(400, 401, 403) },
    },
    handler: async (request) => ({
      items: [...(await reads.reports.pairs(projectOf(request)))],
      next_cursor: null,
    }),
  })

  app.route({
    method: 'POST',
    url: '/v1/reconciliations',
    ...requireScope('admin'),
    schema: {
      summary: 'Queue a reconciliation; asking again while it is queued runs it once',
      tags,
      operationId: 'requestReconciliation',
      ...needsKey('admin'),
      body: requestSchema,
      response: { 202: reportSchema, ...problems(400, 401, 403, 404, 413, 415) },
    },
    async handler(request, reply) {
      const { pair, keys } = request.body
      const report = await store.reports.request(projectOf(request), pair, 'request', keys ?? null)
      if (report === undefined) {
        throw new ProblemError('pair_not_found', 'No pair of this name is configured.', { pointer: '/pair' })
      }
      return reply
        .code(202)
        .header('location', `/v1/reports/${encodeURIComponent(report.id)}`)
        .send(report)
    },
  })
}
