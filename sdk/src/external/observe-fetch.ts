import type { WriteAction } from '@syncproof/core/contract'
import { now } from '../clock.ts'
import type { EntityInput } from '../entity.ts'
import { currentContext } from '../operation/context.ts'
import { guarded } from '../operation/guarded.ts'
import { observeResult } from '../operation/observe-result.ts'
import type { SyncproofWarning } from '../warnings.ts'
import type { Call } from './exchange.ts'
import { beginGet } from './get.ts'
import { type HttpRequest, readRequest } from './http-request.ts'
import { beginMutation } from './mutation.ts'
import { noDispatches, noteDispatches, watchDispatches } from './sent-bytes.ts'
import { accepts, faultOfSystem, type SystemContract } from './system-contract.ts'
import type { UniqueKey } from './unique-key.ts'

export type { HttpRequest } from './http-request.ts'
export type { SystemContract } from './system-contract.ts'
export type { UniqueKey } from './unique-key.ts'

// never: a parameter type that every function's parameters accept
type AnyFetch = (this: never, ...args: never[]) => Promise<unknown>

export interface FetchOptions {
  /** The external system, as in `syncs`. */
  readonly system: string
  /** Only requests below this address are the system's. Default: all that this function makes. */
  readonly baseUrl?: string | URL | undefined
  /** The record that a request is about; undefined for none: then it is not reported. Default: of what
   *  changes something, the operation's; of a GET, the operation's where the path ends in its id. */
  readonly entity?: ((request: HttpRequest) => EntityInput | undefined) | undefined
  /** What a request does; `none` for a POST that only asks. Default: PUT upserts, PATCH updates, POST creates,
   *  or updates where the path holds the record's id, DELETE deletes where the path ends in it (or `entity`
   *  named the record), else updates. */
  readonly action?: ((request: HttpRequest) => WriteAction | 'none' | undefined) | undefined
  /** The record in a JSON body, of requests and of what a GET brings: `(body) => body.properties`. Default: the
   *  body. */
  readonly record?: ((body: never) => unknown) | undefined
  /** What the system should hold only once, of the record in the body of what changes something. With it, two
   *  creates of one record that the system took for two are found. Default: nothing is declared. */
  readonly uniqueKey?: UniqueKey | undefined
  /** What the system promises beyond HTTP. */
  readonly contract?: SystemContract | undefined
  /** Told of options that are wrong, in production. Default: `process.emitWarning`. */
  readonly onWarning?: ((warning: SyncproofWarning) => void) | undefined
}

/** A `fetch` that does what `fetch` does, and inside a wrapped call reports what it sends to `system` (PUT,
 *  PATCH, POST, DELETE) and the records that it gets. Inside `syncproof.sync` and `syncproof.read` of that
 *  system it brings their evidence instead. Requests, responses, errors and signals stay as they are; bodies
 *  are read only where they are JSON of at most 256 KiB, from the text that is sent or from a clone.
 *  @param fetch default: the global one
 *  @throws TypeError wrong options, but where NODE_ENV is `production` */
export function observeFetch(options: FetchOptions): typeof globalThis.fetch
export function observeFetch<F extends AnyFetch>(fetch: F, options: FetchOptions): F
export function observeFetch(
  fetch: undefined | typeof globalThis.fetch,
  options: FetchOptions,
): typeof globalThis.fetch
export function observeFetch(first: unknown, second?: FetchOptions): unknown {
  const options = (typeof first === 'function' || second ? second : first) as FetchOptions
  // looked up at each call: a program may put its own in place later
  const fetch =
    typeof first === 'function'
      ? first
      : (...args: Parameters<typeof globalThis.fetch>) => globalThis.fetch(...args)
  if (!accepts('observeFetch', faultOf(options), options?.onWarning)) return fetch
  watchDispatches()
  return new Proxy(fetch as AnyFetch, {
    apply(target, thisArgument, args: never[]) {
      const run = () => Reflect.apply(target, thisArgument, args) as Promise<unknown>
      const call = beginCall(options, args)
      if (!call) return run()
      return observeResult(run, call.settled, (inside) => noteDispatches(call.dispatches, inside))
    },
  })
}

function faultOf(options: FetchOptions): string | undefined {
  const { baseUrl } = options ?? {}
  const isAddress = baseUrl === undefined || URL.canParse(String(baseUrl))
  return faultOfSystem(options) ?? (isAddress ? undefined : '`baseUrl` must be an address')
}

/** Undefined where the call is none of ours: it just runs. */
function beginCall(options: FetchOptions, args: readonly unknown[]): Call | undefined {
  const context = currentContext()
  if (!context) return undefined
  let call: Call | undefined
  guarded(context, () => {
    const request = readRequest(args, isMutating)
    const url = request && urlOf(request.url, options.baseUrl)
    if (!request || !isBelow(url, options.baseUrl)) return
    const dispatches = noDispatches()
    const exchange = { context, options, request, url, dispatches, sentAt: now() }
    if (isMutating(request.method)) call = beginMutation(exchange)
    else if (request.method === 'GET') call = beginGet(exchange)
  })
  return call
}

const MUTATING: ReadonlySet<string> = new Set(['PUT', 'PATCH', 'POST', 'DELETE'])

function isMutating(method: string): boolean {
  return MUTATING.has(method)
}

function urlOf(url: string, baseUrl: string | URL | undefined): URL | undefined {
  if (URL.canParse(url)) return new URL(url)
  return baseUrl !== undefined && URL.canParse(url, String(baseUrl)) ? new URL(url, baseUrl) : undefined
}

function isBelow(url: URL | undefined, baseUrl: string | URL | undefined): boolean {
  if (baseUrl === undefined) return true
  const base = new URL(baseUrl)
  const path = base.pathname.replace(/\/+$/, '')
  return url?.origin === base.origin && (url.pathname === path || url.pathname.startsWith(`${path}/`))
}
