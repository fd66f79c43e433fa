import { Readable } from 'node:stream'
import type { Report } from '@syncproof/store'
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { projectOf } from '../http/auth.ts'
import { ProblemError } from '../http/problem.ts'
import { needsKey, type RouteOptions } from '../http/route.ts'
import { collectorLimits } from '../limits.ts'
import type { ReportReads } from '../replica/report-reads.ts'
import { nameParameter } from '../schemas/common.ts'
import { pageOf, pageQuery } from '../schemas/page.ts'
import { problems } from '../schemas/problem.ts'
import { divergenceSchema, reportSchema } from '../schemas/report.ts'
import { preferredType } from './accept.ts'
import { csvExport, ndjsonExport } from './divergence-export.ts'

const params = z.object({ id: nameParameter })
const reportPage = pageOf('ReportPage', reportSchema)
const divergencePage = pageOf('DivergencePage', divergenceSchema)
const tags = ['reconciliation']
/** Sent as a stream, which no schema is run on: this one is for the document. */
const text = (description: string) => ({
  schema: z.string().meta({ description }) as unknown as z.ZodType<Readable>,
})
const divergenceFormats = {
  description: 'The divergences, ascending by key.',
  content: {
    'application/json': { schema: divergencePage },
    'application/x-ndjson': text('One Divergence a line.'),
    'text/csv': text('A head line, then one Divergence a line (RFC 4180).'),
  },
}

/** Reports: what each reconciliation of a pair found. */
export const reportsRoutes: FastifyPluginAsyncZod<RouteOptions> = async (app, { reads, requireScope }) => {
  app.route({
    method: 'GET',
    url: '/v1/reports',
    ...requireScope('read'),
    schema: {
      summary: 'List reports, newest first',
      tags,
      operationId: 'listReports',
      ...needsKey('read'),
      querystring: z.strictObject({ pair: nameParameter.optional(), ...pageQuery }),
      response: { 200: reportPage, ...problems(400, 401, 403) },
    },
    async handler(request) {
      const { pair, ...page } = request.query
      return reads.reports.list(projectOf(request), { pair }, page)
    },
  })

  app.route({
    method: 'GET',
    url: '/v1/reports/:id',
    ...requireScope('read'),
    schema: {
      summary: 'Get one report',
      tags,
      operationId: 'getReport',
      ...needsKey('read'),
      params,
      response: { 200: reportSchema, ...problems(400, 401, 403, 404) },
    },
    handler: async (request) => requireReport(reads, projectOf(request), request.params.id),
  })

  app.route({
    method: 'GET',
    url: '/v1/reports/:id/divergences',
    ...requireScope('read'),
    handlerTimeout: collectorLimits.exportTimeoutMs,
    schema: {
      summary: 'List the records on which the two sides of a report do not agree',
      description:
        'JSON comes in pages. NDJSON and CSV, by Accept, carry everything from the cursor on; limit is then the number of rows read at a time.',
      tags,
      operationId: 'listDivergences',
      ...needsKey('read'),
      params,
      querystring: z.strictObject(pageQuery),
      response: { 200: divergenceFormats, ...problems(400, 401, 403, 404) },
    },
    async handler(request, reply) {
      const { id } = request.params
      const { cursor, limit } = request.query
      const project = projectOf(request)
      await requireReport(reads, project, id)
      const readPage = (from: string | undefined) =>
        reads.reports.divergences(project, id, { cursor: from, limit })
      // read before the head is sent: a database that is away is still a problem document
      const first = await readPage(cursor)
      const type = preferredType(request.headers.accept, [
        'application/json',
        'application/x-ndjson',
        'text/csv',
      ])
      reply.type(type)
      if (type === 'application/json') return first
      const lines = type === 'text/csv' ? csvExport(first, readPage) : ndjsonExport(first, readPage)
      return reply
        .type(type === 'text/csv' ? 'text/csv; charset=utf-8' : type)
        .header('vary', 'accept')
        .send(Readable.from(lines))
    },
  })
}

async function requireReport(reads: ReportReads, project: string, id: string): Promise<Report> {
  const report = await reads.reports.get(project, id)
  if (report === undefined)
    throw new ProblemError('not_found', 'There is no report of this id.', { parameter: 'id' })
  return report
}
