import { SCOPES, type Scope } from '@syncproof/store'
import Fastify, { type InjectOptions, type LightMyRequestResponse } from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { engines } from '../../../tools/testing/stores.ts'
import { authenticateRequests, type RouteScope } from '../src/http/auth.ts'
import { type OpenedCollector, openCollector, problemOf } from './open-collector.ts'

let collector: OpenedCollector
let routes: readonly RouteScope[]
beforeAll(async () => {
  collector = await openCollector(engines.PostgreSQL)
  routes = collector.app.routeScopes
})
afterAll(() => collector.close())

/** A request that goes no further than its key; its body would be refused at once, were it read. */
function requestOf({ method, url }: RouteScope): InjectOptions {
  const body = { payload: '{', headers: { 'content-type': 'application/json' } }
  const path = url.replace(/:\w+/g, 'x')
  return { method: method as 'GET', url: path, ...(method === 'GET' || method === 'HEAD' ? {} : body) }
}

/** Asks every route that needs a key, and says of each what was not as it must be. */
async function onEveryRoute(
  check: (route: RouteScope & { readonly scope: Scope }, request: InjectOptions) => Promise<void>,
): Promise<void> {
  let asked = 0
  for (const route of routes) {
    const { scope } = route
    if (scope === null) continue
    await check({ ...route, scope }, requestOf(route))
    asked++
  }
  expect(asked).toBeGreaterThan(20)
}

function expectRefusal(
  response: LightMyRequestResponse,
  { method, url }: RouteScope,
  status: number,
  code: string,
  challenge?: RegExp,
): void {
  const told = `${method} ${url}`
  expect(response.statusCode, told).toBe(status)
  if (challenge) expect(response.headers['www-authenticate'], told).toMatch(challenge)
  // a HEAD has no body
  if (method !== 'HEAD') expect(problemOf(response).code, told).toBe(code)
}

const INVALID = /^Bearer realm="syncproof", error="invalid_token"$/

test('nothing but the probes and the description of the API is served without a key', () => {
  const open = routes.filter(({ scope }) => scope === null).map(({ method, url }) => `${method} ${url}`)
  expect(open.sort()).toEqual(
    ['GET', 'HEAD'].flatMap((method) =>
      ['/livez', '/openapi.json', '/readyz'].map((url) => `${method} ${url}`),
    ),
  )
})

test('the description of the API names for every route the scope that is really asked for', async () => {
  type Paths = Record<
    string,
    Record<string, { readonly security?: readonly { readonly apiKey: readonly string[] }[] }>
  >
  const { paths } = (await collector.app.inject('/openapi.json')).json<{ paths: Paths }>()
  const told = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security = [] }]) => {
      const url = path.replace(/\{(\w+)\}/g, ':$1')
      return [`${method.toUpperCase()} ${url}`, security.flatMap(({ apiKey }) => apiKey)]
    }),
  )
  const asked = routes
    .filter(({ method, url }) => method !== 'HEAD' && url !== '/openapi.json')
    .map(({ method, url, scope }) => [`${method} ${url}`, scope === null ? [] : [scope]])
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(asked))
})

test('a route that asks for no scope cannot be added', () => {
  const app = Fastify()
  authenticateRequests(app, collector.store.keys)
  expect(() => app.get('/v1/forgotten', async () => 'everything')).toThrow(
    'GET /v1/forgotten asks for no scope',
  )
})

test('without a key every route answers 401 and how to send one', async () => {
  for (const authorization of [undefined, '', 'Basic eDp5', 'Bearer', 'sp_x', `Bearer ${'x'.repeat(600)}`]) {
    await onEveryRoute(async (route, request) => {
      const headers = { ...request.headers, ...(authorization === undefined ? {} : { authorization }) }
      const response = await collector.app.inject({ ...request, headers })
      expectRefusal(response, route, 401, 'unauthorized', /^Bearer realm="syncproof"$/)
    })
  }
})

test('a key that nobody knows is refused on every route, in every project', async () => {
  await onEveryRoute(async (route, request) => {
    const response = await collector.send('5f6b8a1c9d', request)
    expectRefusal(response, route, 401, 'unauthorized', INVALID)
  })
})

test('a key of which a character is wrong or missing is told as that on every route, without asking the database', async () => {
  const key = await collector.key('default')
  const asked: string[] = []
  const app = Fastify()
  const keys = {
    ...collector.store.keys,
    async authenticate(text: string) {
      asked.push(text)
      return 'unknown' as const
    },
  }
  app.get('/v1/x', authenticateRequests(app, keys)('read'), async () => 'in')
  for (const broken of [
    key.slice(0, -1),
    `${key}x`,
    key.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    'sp_',
  ]) {
    await onEveryRoute(async (route, request) => {
      expectRefusal(await collector.send(broken, request), route, 401, 'malformed_key', INVALID)
    })
    await app.inject({ url: '/v1/x', headers: { authorization: `Bearer ${broken}` } })
  }
  expect(asked).toEqual([])
})

test('a revoked key is told as that on every route', async () => {
  const { id, key } = await collector.store.keys.create('default', 'revoked', SCOPES)
  await collector.store.keys.revoke(id)
  await onEveryRoute(async (route, request) => {
    expectRefusal(await collector.send(key, request), route, 401, 'revoked_key', INVALID)
  })
})

test('every route lets in a key of its one scope, and no key of the others, alone or together', async () => {
  const keyOf = new Map<Scope, string>()
  const keyOfOthers = new Map<Scope, string>()
  for (const scope of SCOPES) {
    const others = SCOPES.filter((other) => other !== scope)
    keyOf.set(scope, await collector.key('default', scope))
    keyOfOthers.set(scope, await collector.key('default', ...others))
  }
  await onEveryRoute(async (route, request) => {
    const { statusCode } = await collector.send(keyOf.get(route.scope) ?? '', request)
    expect([401, 403], `${route.method} ${route.url}`).not.toContain(statusCode)
    for (const key of [
      keyOfOthers.get(route.scope) ?? '',
      ...SCOPES.flatMap((scope) => (scope === route.scope ? [] : (keyOf.get(scope) ?? []))),
    ]) {
      const response = await collector.send(key, request)
      expectRefusal(response, route, 403, 'forbidden')
      if (route.method !== 'HEAD') expect(problemOf(response).detail).toContain(`scope ${route.scope}`)
    }
  })
})
