import type { KeyRow, Scope } from '@syncproof/store'
import type { FastifyInstance, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { collectorLimits } from '../limits.ts'
import { ProblemError } from './problem.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The key of this request; null where the route asks for none. */
    caller: KeyRow | null
  }
}

/** What a route that needs a key spreads into its options. */
export type RequireScope = (scope: Scope) => { readonly onRequest: onRequestAsyncHookHandler }

/** Lets routes ask for a key of a scope. Runs on the headers alone, before a byte of the body is read.
 *  A scope is had or not: none implies another. */
export function authenticateRequests(
  app: FastifyInstance,
  authenticate: (key: string) => Promise<KeyRow | undefined>,
): RequireScope {
  app.decorateRequest('caller', null)
  return (scope) => ({
    async onRequest(request) {
      const key = bearerKey(request.headers.authorization)
      const caller = key === undefined ? undefined : await authenticate(key)
      if (caller === undefined) throw unauthorized(key)
      if (!caller.scopes.includes(scope)) {
        throw new ProblemError('forbidden', `This needs a key with the scope ${scope}.`)
      }
      request.caller = caller
    },
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

function unauthorized(key: string | undefined): ProblemError {
  return key === undefined
    ? new ProblemError('unauthorized', 'The request has no key: send Authorization: Bearer <key>.', {
        headers: { 'www-authenticate': 'Bearer realm="syncproof"' },
      })
    : new ProblemError('unauthorized', 'The key is not known here.', {
        headers: { 'www-authenticate': 'Bearer realm="syncproof", error="invalid_token"' },
      })
}
