import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { readMember } from '../operation/outcome.ts'

/** What Node's own HTTP client (undici, behind `fetch`) did for one call. */
export interface Dispatches {
  /** Methods of the requests that it made: one for each redirect and each retry. */
  readonly methods: string[]
  /** Whether it began to send any of them. */
  sent: boolean
  /** One of them ended with an error. */
  failed: boolean
  /** What they were answered; without what a server says before its answer (1xx). */
  readonly statuses: number[]
}

export function noDispatches(): Dispatches {
  return { methods: [], sent: false, failed: false, statuses: [] }
}

const current = new AsyncLocalStorage<Dispatches>()
const byRequest = new WeakMap<object, Dispatches>()
let subscribed = false

/** Begins to listen to the channels on which undici tells what it does; once for the process. */
export function watchDispatches(): void {
  if (subscribed) return
  subscribed = true
  subscribe('undici:request:create', (message) => {
    const dispatches = current.getStore()
    const request = readMember(message, 'request')
    const method = readMember(request, 'method')
    // a proxy is asked for a tunnel before anything is sent through it
    if (!dispatches || !isObject(request) || method === 'CONNECT') return
    dispatches.methods.push(String(method))
    byRequest.set(request, dispatches)
  })
  subscribe('undici:client:sendHeaders', (message) => {
    const dispatches = dispatchesOf(message)
    if (dispatches) dispatches.sent = true
  })
  // a retry may be made in another async context, where its own making is not seen
  subscribe('undici:request:error', (message) => {
    const dispatches = dispatchesOf(message)
    if (dispatches) dispatches.failed = true
  })
  subscribe('undici:request:headers', (message) => {
    const dispatches = dispatchesOf(message)
    const status = readMember(readMember(message, 'response'), 'statusCode')
    if (typeof status === 'number' && status >= 200) dispatches?.statuses.push(status)
  })
}

function dispatchesOf(message: unknown): Dispatches | undefined {
  const request = readMember(message, 'request')
  return isObject(request) ? byRequest.get(request) : undefined
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Runs a call and notes what becomes of it. */
export function noteDispatches<T>(dispatches: Dispatches, run: () => T): T {
  return current.run(dispatches, run)
}

/** Errors of finding the host and of connecting to it, before a request is sent. */
const CONNECT_CODES: ReadonlySet<unknown> = new Set([
  'ENOTFOUND', // no such host
  'EAI_AGAIN', // the resolver did not answer
  'ECONNREFUSED', // nobody listens
  'EHOSTUNREACH', // no way there
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED', // TLS ends before a request is sent
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])

/** Whether the call surely sent nothing. The error alone does not tell: a redirect may have been followed, or a
 *  retry made, and only that one failed to connect. So the client must also have made one request, and not
 *  have begun to send it. */
export function isSurelyUnsent({ methods, sent }: Dispatches, error: unknown): boolean {
  if (methods.length !== 1 || sent) return false
  return CONNECT_CODES.has(readMember(readMember(error, 'cause'), 'code'))
}

/** Whether the last answer is the answer to what was sent: a redirect that changed the method asked for
 *  something else. */
export function answersTheRequest({ methods }: Dispatches, method: string, redirected: boolean): boolean {
  return !redirected || (methods.length > 1 && methods.every((each) => each === method))
}

/** How often the client sent the request again by itself before this answer came, as far as that can be seen; at
 *  least 1 where it may have. An earlier try may have been applied.
 *  @param status of the answer; undefined where there is none */
export function retriesBefore({ methods, failed, statuses }: Dispatches, status: number | undefined): number {
  const redirects = statuses.filter(isRedirect).length
  const isSign = failed || statuses.some((each) => each !== status && !isRedirect(each))
  return Math.max(methods.length - 1 - redirects, status !== undefined && isSign ? 1 : 0, 0)
}

function isRedirect(status: number): boolean {
  return status >= 300 && status <= 399
}
