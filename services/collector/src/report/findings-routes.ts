import { FINDING_KINDS, type Finding, limits } from '@syncproof/core/contract'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import type { ReportReads } from '../replica/report-reads.ts'
import { nameParameter, sinceParameter } from '../schemas/common.ts'
import { findingSchema, statusSchema, verdictSchema } from '../schemas/finding.ts'
import { pageOf, pageQuery, splitQuery } from '../schemas/page.ts'
import { problems } from '../schemas/problem.ts'
import { reportedFindings, reportedPage } from './reported-events.ts'

const querySchema = z.strictObject({
  kind: z.enum(FINDING_KINDS).optional(),
  verdict: verdictSchema.optional(),
  status: statusSchema.optional(),
  entity_type: nameParameter.optional(),
  entity_id: nameParameter.optional(),
  operation: nameParameter.optional().meta({ description: 'Name of the wrapped function.' }),
  since: sinceParameter,
  ...pageQuery,
})

const patchSchema = z
  .strictObject({
    status: z.enum(['open', 'acknowledged', 'muted']).optional(),
    note: z.string().max(limits.stringLengthMax).optional(),
  })
  .refine((patch) => Object.keys(patch).length > 0, { message: 'must have status, note or both' })

const params = z.object({ id: nameParameter })
const findingPage = pageOf('FindingPage', findingSchema)
const tags = ['findings']

/** Findings: what Syncproof found, and what people said of it. */
export const findingsRoutes: FastifyPluginAsyncZod<RouteOptions> = async (app, options) => {
  const { store, reads, requireScope } = options
  app.route({
    method: 'GET',
    url: '/v1/findings',
    ...requireScope('read'),
    schema: {
      summary: 'List findings, last seen first',
      tags,
      operationId: 'listFindings',
      ...needsKey('read'),
      querystring: querySchema,
      response: { 200: findingPage, ...problems(400, 401, 403) },
    },
    async handler(request) {
      const { page, filter } = splitQuery(request.query)
      const project = projectOf(request)
      const found = await reads.findings.list(project, filter, page)
      return reportedPage(found, (findings) => reportedFindings(reads, project, findings))
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/findings/:id',
    ...requireScope('read'),
    schema: {
      summary: 'Get one finding with its witness',
      tags,
      operationId: 'getFinding',
      ...needsKey('read'),
      params,
      response: { 200: findingSchema, ...problems(400, 401, 403, 404) },
    },
    async handler(request) {
      const project = projectOf(request)
      return reported(reads, project, await reads.findings.get(project, request.params.id))
    },
  })

  app.route({
    method: 'PATCH',
    url: '/v1/findings/:id',
    ...requireScope('admin'),
    schema: {
      summary: 'Acknowledge, mute or reopen a finding, or note something on it',
      tags,
      operationId: 'patchFinding',
      ...needsKey('admin'),
      params,
      body: patchSchema,
      response: { 200: findingSchema, ...problems(400, 401, 403, 404, 413, 415) },
    },
    async handler(request) {
      const project = projectOf(request)
      const patched = await store.findings.patch(project, request.params.id, request.body)
      return reported(store, project, patched)
    },
  })
}

async function reported(
  reads: Pick<ReportReads, 'inconsistencies'>,
  project: string,
  finding: Finding | undefined,
): Promise<Finding> {
  const [shown] = await reportedFindings(reads, project, finding ? [finding] : [])
  if (shown === undefined)
    throw new ProblemError('not_found', 'There is no finding of this id.', { parameter: 'id' })
  return shown
}
