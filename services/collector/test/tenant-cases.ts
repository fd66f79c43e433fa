import type { InjectOptions } from 'fastify'
import { type Json, makeBatch } from './make-batch.ts'
import { candidate, makeExport, makeSpan } from './make-span.ts'
import type { SharedIds, Tenant } from './two-tenants.ts'

/** What somebody of another project may try on a route, knowing everything of project A. */
export interface TenantCase {
  /** Requests that name what is A's: by every id, filter, cursor and member of the body that the route takes. */
  asks(a: Tenant, shared: SharedIds): readonly InjectOptions[]
  /** How A's own answer to them shows that they name something of A; by default its mark is in it. */
  hits?(body: string): boolean
}

const get = (url: string, headers: Record<string, string> = {}): InjectOptions => ({
  method: 'GET',
  url,
  headers,
})
const send = (method: 'POST' | 'PATCH', url: string, payload: Json): InjectOptions => ({
  method,
  url,
  payload,
})

const hasItems = (body: string) => JSON.parse(body).items.length > 0

/** The members by which a client could say which project it means, if that were asked of it. */
const naming = ({ project }: Tenant) => ({
  project,
  project_id: project,
  projectId: project,
  tenant: project,
})

/** One for every route that asks for a key: `tenants.test.ts` fails for a route that has none. */
export const tenantCases: Readonly<Record<string, TenantCase>> = {
  'POST /v1/events': {
    asks: (a, shared) => [
      send('POST', '/v1/events', a.batch),
      send('POST', '/v1/events', {
        ...makeBatch((a.batch.events as Json[]).map((event) => ({ ...event, ...naming(a) }))),
        ...naming(a),
        process: { id: shared.processIds[0], service: 'other', ...naming(a) },
      }),
    ],
    // A has them: of another project than A none is
    hits: (body) => JSON.parse(body).duplicates > 0,
  },
  'POST /v1/traces': {
    asks: (a, shared) => [
      send('POST', '/v1/traces', {
        ...makeExport(
          [
            makeSpan({
              ...candidate(`${a.mark}-entity`),
              'syncproof.operation': `${a.mark}-operation`,
              ...naming(a),
            }),
          ],
          { 'service.name': `${a.mark}-service`, 'service.instance.id': shared.processIds[0], ...naming(a) },
        ),
        ...naming(a),
      }),
    ],
    // the answer to a whole success says nothing
    hits: (body) => body === '{}',
  },
  'GET /v1/events': {
    asks: (a) => [
      get('/v1/events'),
      get('/v1/events?since=2026-01-01T00:00:00Z&kind=operation_started'),
      get(`/v1/events?operation=${a.mark}-operation`),
      get(`/v1/events?entity_type=candidate&entity_id=${a.mark}-entity`),
      get(`/v1/events?cursor=${a.cursors.dump}`),
    ],
  },
  'GET /v1/findings': {
    asks: (a) => [
      get('/v1/findings'),
      get('/v1/findings?kind=lost-update&verdict=proven&status=open&since=2026-01-01T00:00:00Z'),
      get(`/v1/findings?operation=${a.mark}-operation`),
      get(`/v1/findings?entity_type=${a.mark}-type-${a.findingId}&entity_id=${a.mark}-entity`),
      get(`/v1/findings?cursor=${a.cursors.findings}`),
    ],
  },
  'GET /v1/findings/:id': {
    asks: (a, shared) => [get(`/v1/findings/${a.findingId}`), get(`/v1/findings/${shared.findingId}`)],
  },
  'PATCH /v1/findings/:id': {
    asks: (a, shared) =>
      [a.findingId, shared.findingId].map((id) =>
        send('PATCH', `/v1/findings/${id}`, { status: 'muted', note: 'not mine' }),
      ),
  },
  'GET /v1/finding-groups': {
    asks: (a) => [
      get('/v1/finding-groups'),
      get(`/v1/finding-groups?status=open&kind=lost-update&operation=${a.mark}-operation`),
      get(`/v1/finding-groups?entity_type=${a.mark}-type-${a.findingId}`),
      get(`/v1/finding-groups?cursor=${a.cursors.groups}`),
    ],
  },
  'GET /v1/finding-groups/:id': {
    asks: (a) => [get(`/v1/finding-groups/${a.groupId}`)],
  },
  'PATCH /v1/finding-groups/:id': {
    asks: (a) =>
      ['muted', 'acknowledged'].map((status) => send('PATCH', `/v1/finding-groups/${a.groupId}`, { status })),
  },
  'GET /v1/maintenance': { asks: () => [get('/v1/maintenance')] },
  'POST /v1/maintenance': {
    asks: (a) => [
      send('POST', '/v1/maintenance', { pairs: [`${a.mark}-pair`], reason: 'not mine', seconds: 60 }),
    ],
  },
  'POST /v1/maintenance/:id/end': {
    asks: (a) => [send('POST', `/v1/maintenance/${a.windowId}/end`, {})],
  },
  'GET /v1/entities/:type/:id/timeline': {
    asks: (a) => [
      get(`/v1/entities/candidate/${a.mark}-entity/timeline`),
      get(`/v1/entities/candidate/${a.mark}-entity/timeline?cursor=${a.cursors.timeline}`),
      get('/v1/entities/candidate/shared/timeline'),
    ],
  },
  'GET /v1/operations': {
    asks: (a) => [
      get('/v1/operations'),
      get(`/v1/operations?operation=${a.mark}-operation&since=2026-01-01T00:00:00Z`),
      get(`/v1/operations?entity_type=candidate&entity_id=${a.mark}-entity`),
      get('/v1/operations?entity_type=candidate&entity_id=shared'),
      get(`/v1/operations?cursor=${a.cursors.operations}`),
    ],
  },
  'GET /v1/processes': {
    asks: (a) => [get('/v1/processes'), get(`/v1/processes?cursor=${a.cursors.processes}`)],
    hits: hasItems,
  },
  'GET /v1/processes/:id/minutes': {
    asks: (a, shared) => [a.processId, ...shared.processIds].map((id) => get(`/v1/processes/${id}/minutes`)),
    hits: hasItems,
  },
  'GET /v1/sections': {
    asks: (a) => [
      get('/v1/sections'),
      get(`/v1/sections?name=${a.mark}-section&service=${a.mark}-service&release=${a.mark}`),
      get(`/v1/sections?cursor=${a.cursors.sections}`),
    ],
    hits: hasItems,
  },
  'GET /v1/reports': {
    asks: (a) => [
      get(`/v1/reports?pair=${a.mark}-pair`),
      get('/v1/reports?pair=candidate'),
      get(`/v1/reports?cursor=${a.cursors.reports}`),
    ],
    hits: hasItems,
  },
  'GET /v1/reports/:id': { asks: (a) => [get(`/v1/reports/${a.reportId}`)] },
  'GET /v1/reports/:id/divergences': {
    asks: (a) => [
      get(`/v1/reports/${a.reportId}/divergences`),
      get(`/v1/reports/${a.reportId}/divergences?cursor=${a.cursors.divergences}`),
      get(`/v1/reports/${a.reportId}/divergences`, { accept: 'application/x-ndjson' }),
      get(`/v1/reports/${a.reportId}/divergences`, { accept: 'text/csv' }),
    ],
  },
  'GET /v1/pairs': { asks: () => [get('/v1/pairs')] },
  'POST /v1/reconciliations': {
    asks: (a) => [
      send('POST', '/v1/reconciliations', { pair: `${a.mark}-pair` }),
      send('POST', '/v1/reconciliations', { pair: `${a.mark}-pair`, keys: [`${a.mark}-key-1`] }),
    ],
  },
}

/** The same request with A named in the query, in headers, and in the body. */
export function namingProject(request: InjectOptions, a: Tenant): readonly InjectOptions[] {
  const url = String(request.url)
  const query = new URLSearchParams(naming(a))
  const payload = request.payload as Json | undefined
  return [
    { ...request, url: `${url}${url.includes('?') ? '&' : '?'}${query}` },
    { ...request, headers: { ...request.headers, 'x-project': a.project, 'syncproof-project': a.project } },
    ...(payload === undefined ? [] : [{ ...request, payload: { ...payload, ...naming(a) } }]),
  ]
}
