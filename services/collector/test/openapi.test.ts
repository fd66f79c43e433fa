import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engines } from '../../../tools/testing/stores.ts'
import { type OpenedCollector, openCollector } from './open-collector.ts'

interface Operation {
  readonly security?: readonly { readonly apiKey?: readonly string[] }[]
  readonly parameters?: readonly { readonly name: string; readonly in: string }[]
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema: unknown }>> }>
  >
}
interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

let collector: OpenedCollector
let document: Document
beforeAll(async () => {
  collector = await openCollector(engines.PostgreSQL)
  document = (await collector.app.inject('/openapi.json')).json()
})
afterAll(() => collector.close())

/** The scope that each route asks for; null for none. */
const routes: Readonly<Record<string, string | null>> = {
  'GET /livez': null,
  'GET /readyz': null,
  'POST /v1/events': 'ingest',
  'POST /v1/traces': 'ingest',
  'GET /v1/findings': 'read',
  'GET /v1/findings/{id}': 'read',
  'GET /v1/finding-groups': 'read',
  'GET /v1/finding-groups/{id}': 'read',
  'PATCH /v1/finding-groups/{id}': 'admin',
  'GET /v1/maintenance': 'read',
  'POST /v1/maintenance': 'admin',
  'POST /v1/maintenance/{id}/end': 'admin',
  'PATCH /v1/findings/{id}': 'admin',
  'GET /v1/entities/{type}/{id}/timeline': 'read',
  'GET /v1/operations': 'read',
  'GET /v1/events': 'read',
  'GET /v1/processes': 'read',
  'GET /v1/processes/{id}/minutes': 'read',
  'GET /v1/sections': 'read',
  'GET /v1/reports': 'read',
  'GET /v1/reports/{id}': 'read',
  'GET /v1/reports/{id}/divergences': 'read',
  'GET /v1/pairs': 'read',
  'POST /v1/reconciliations': 'admin',
}

function operations(): [name: string, operation: Operation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )
}

test('the document is valid OpenAPI 3.1', async () => {
  expect(document.openapi).toMatch(/^3\.1\./)
  expect(await new Validator().validate({ ...document })).toEqual({ valid: true })
})

test('every route is in it, with the scope of the key that it asks for', () => {
  const scopes = operations().map(([name, { security }]) => [name, security?.[0]?.apiKey?.[0] ?? null])
  expect(Object.fromEntries(scopes)).toEqual(routes)
})

test('every answer has a schema, and every reference leads somewhere', () => {
  for (const [name, { responses }] of operations()) {
    expect(Object.keys(responses), name).toContain('500')
    for (const [status, { content }] of Object.entries(responses)) {
      expect(Object.values(content ?? {})[0]?.schema, `${name} ${status}`).toBeDefined()
    }
  }
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)]
  const used = new Set(references.map(([, name]) => name))
  expect([...used].sort()).toEqual(Object.keys(document.components.schemas).sort())
  expect(used).toContain('WriteEventInput')
})
