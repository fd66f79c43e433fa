import { isBrokenKey, type KeyRow, type KeyStore, type Scope } from '@syncproof/store'
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler, RouteOptions } from 'fastify'
import { collectorLimits } from '../limits.ts'
import { cacheKeys } from './key-cache.ts'
import { noteKeyUse } from './key-use.ts'
import { ProblemError } from './problem.ts'

/** A route as it is served, and the scope that its key must have; null for one that everybody may ask. */
export interface RouteScope {
  readonly method: string
  readonly url: string
  readonly scope: Scope | null
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The key of this request; null where the route asks for none. */
    caller: KeyRow | null
  }
  interface FastifyInstance {
    /** Every route of this app. */
    readonly routeScopes: readonly RouteScope[]
  }
}

/** What a route that needs a key spreads into its options. */
export type RequireScope = (scope: Scope) => { readonly onRequest: onRequestAsyncHookHandler }

/** Probes and the description of the API. Every other route needs a key. */
const OPEN_ROUTES: ReadonlySet<string> = new Set(['/livez', '/readyz', '/openapi.json'])

/** Lets routes ask for a key of a scope. Runs on the headers alone, before a byte of the body is read.
 *  A scope is had or not: none implies another. Must come before the first route: one that asks for no scope and is not
 *  meant for everybody is a fault, and the app is not built. */
export function authenticateRequests(app: FastifyInstance, keys: KeyStore): RequireScope {
  const clockMs = () => performance.now()
  const authenticate = cacheKeys(keys, clockMs)
  const use = noteKeyUse(keys, clockMs)
  app.addHook('onClose', () => use.settled())
  app.decorateRequest('caller', null)
  const scopes = new WeakMap<object, Scope>()
  listRoutes(app, (handler) => scopes.get(handler))
  return (scope) => {
    const onRequest: onRequestAsyncHookHandler = async (request) => {
      const key = bearerKey(request.headers.authorization)
      if (key === undefined) throw noKey()
      if (isBrokenKey(key)) throw refused('malformed_key', 'The key was mistyped or cut short.')
      const caller = await authenticate(key)
      if (caller === 'unknown') throw refused('unauthorized', 'The key is not known here.')
      if (caller === 'revoked') throw refused('revoked_key', 'The key was revoked.')
      use.note(caller.id)
      if (!caller.scopes.includes(scope)) {
        throw new ProblemError('forbidden', `This needs a key with the scope ${scope}.`)
      }
      request.caller = caller
    }
    scopes.set(onRequest, scope)
    return { onRequest }
  }
}

function listRoutes(app: FastifyInstance, scopeOf: (handler: object) => Scope | undefined): void {
  const routes: RouteScope[] = []
  app.decorate('routeScopes', routes)
  app.addHook('onRoute', ({ method, url, onRequest }: RouteOptions) => {
    const scope = [onRequest ?? []].flat().flatMap((handler) => scopeOf(handler) ?? [])[0] ?? null
    if (scope === null && !OPEN_ROUTES.has(url)) throw new Error(`${method} ${url} asks for no scope`)
    for (const one of [method].flat()) routes.push({ method: one, url, scope })
  })
}

/** The project that the request's key belongs to: the only source of a project, never the body or the path. */
export function projectOf(request: FastifyRequest): string {
  if (request.caller === null)
    throw new Error(`${request.routeOptions.url} reads a project without asking for a key`)
  return request.caller.projectId
}

const BEARER = /^Bearer +([\x21-\x7e]+) *$/i

function bearerKey(header: string | undefined): string | undefined {
  const key = BEARER.exec(header ?? '')?.[1]
  return key !== undefined && key.length <= collectorLimits.keyLengthMax ? key : undefined
}

function noKey(): ProblemError {
  return new ProblemError('unauthorized', 'The request has no key: send Authorization: Bearer <key>.', {
    headers: { 'www-authenticate': 'Bearer realm="syncproof"' },
  })
}

function refused(code: 'unauthorized' | 'malformed_key' | 'revoked_key', detail: string): ProblemError {
  return new ProblemError(code, detail, {
    headers: { 'www-authenticate': 'Bearer realm="syncproof", error="invalid_token"' },
  })
}
