import { setTimeout as delay } from 'node:timers/promises'
import { ListingError, type ListingErrorCode } from '@syncproof/core/comparison'
import { Credentials, type HttpAuth, type LoginOptions, NoTokenError } from './auth.ts'
import type { Limiter } from './limiter.ts'
import { type PauseOptions, pauseAsked } from './pauses.ts'
import { parseBody, readText } from './read-body.ts'

const ATTEMPTS_MAX = 5
/** Doubled with each attempt, and up to half of it added by chance so that clients do not come back together. */
const BACKOFF_MS = 250
/** A server that asks for a longer pause ends the listing instead: a later run does better than a worker held. */
const PAUSE_MS_MAX = 120_000

/** Answers that another attempt may change. */
const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504])

export interface Reply {
  readonly status: number
  readonly headers: Headers
  /** Undefined where the status is not 200. */
  readonly body: unknown
  /** RFC 3339, when the reply had arrived. */
  readonly observedAt: string
}

export interface RequesterOptions {
  readonly headers: Readonly<Record<string, string>>
  readonly auth: HttpAuth | undefined
  /** For one attempt, its body included. */
  readonly timeoutMs: number
  readonly limiter: Limiter
  readonly pause: PauseOptions | undefined
}

export interface Question {
  readonly url: URL
  /** How messages name it: without parameters and keys. */
  readonly label: string
  /** Statuses besides 200 that are an answer. */
  readonly expected: readonly number[]
  /** Sent by POST, as JSON. */
  readonly body?: unknown
}

type Attempt =
  | { readonly reply: Reply }
  | { readonly head: Omit<Reply, 'body'>; readonly text: string }
  | { readonly error: ListingError; readonly retry: boolean; readonly pauseMs?: number | undefined }

type Result = Exclude<Attempt, { readonly text: string }>

interface Call extends Question {
  readonly headers: Readonly<Record<string, string>>
  readonly text: string | undefined
}

/** Requests of one API: spaced by its rate, tried again where that can help, bounded in time and size.
 *  Redirects are not followed: they could lead anywhere, and a listing that moved is worth knowing. */
export class Requester {
  requests = 0
  readonly #options: RequesterOptions
  readonly #credentials: Credentials

  constructor(options: RequesterOptions) {
    this.#options = options
    this.#credentials = new Credentials(options.auth, (login, signal) => this.#login(login, signal))
  }

  /** @throws ListingError for every answer that is neither 200 with JSON nor expected */
  async ask(question: Question, signal: AbortSignal): Promise<Reply> {
    const text = question.body === undefined ? undefined : JSON.stringify(question.body)
    const type = text === undefined ? {} : { 'content-type': 'application/json' }
    for (let renewed = false; ; renewed = true) {
      const own = await this.#authorized(signal)
      const call = { ...question, text, headers: { ...type, ...this.#options.headers, ...own } }
      const result = await this.#tried(call, signal)
      if ('reply' in result) return result.reply
      const isRefused = result.error.code === 'permission_denied'
      if (!isRefused || renewed || !this.#credentials.renew()) throw result.error
    }
  }

  async #authorized(signal: AbortSignal): Promise<Readonly<Record<string, string>>> {
    try {
      return await this.#credentials.headers(signal)
    } catch (error) {
      if (!(error instanceof NoTokenError)) throw error
      throw new ListingError(
        'permission_denied',
        `The login answers without a token at ${error.path}. Check \`auth\`.`,
      )
    }
  }

  async #login({ url, body, form, headers = {} }: LoginOptions, signal: AbortSignal): Promise<unknown> {
    const entries = Object.entries(body ?? {}).map(
      ([name, value]) => [name, String(value)] as [string, string],
    )
    const text = body && (form ? new URLSearchParams(entries).toString() : JSON.stringify(body))
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json'
    const address = new URL(url)
    const label = `${address.origin}${address.pathname}`
    const call = {
      ...{ url: address, label, expected: [], text },
      headers: text === undefined ? headers : { 'content-type': type, ...headers },
    }
    const result = await this.#tried(call, signal)
    if ('reply' in result) return result.reply.body
    throw result.error
  }

  async #tried(call: Call, signal: AbortSignal): Promise<Result> {
    const { limiter } = this.#options
    for (let attempt = 1; ; attempt += 1) {
      const sent = await limiter.run(signal, () => this.#attempt(call, signal))
      // the next request does not wait until this one's answer is parsed
      const result = 'text' in sent ? parsed(sent, call.label) : sent
      if ('reply' in result || !result.retry || attempt === ATTEMPTS_MAX) return result
      const backoffMs = BACKOFF_MS * 2 ** (attempt - 1) * (1 + Math.random() / 2)
      const { pauseMs = 0 } = result
      if (Math.max(backoffMs, pauseMs) > PAUSE_MS_MAX) return result
      // it is said to whoever asks with these credentials
      limiter.pause(pauseMs)
      await delay(Math.max(backoffMs, pauseMs), undefined, { signal })
    }
  }

  async #attempt({ url, label, expected, text, headers }: Call, signal: AbortSignal): Promise<Attempt> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs)
    this.requests += 1
    try {
      const response = await fetch(url, {
        headers: { accept: 'application/json', ...headers },
        ...(text === undefined ? {} : { method: 'POST', body: text }),
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout]),
      })
      const { status } = response
      if (status === 200) {
        const text = await readText(response, label)
        return { head: { status, headers: response.headers, observedAt: new Date().toISOString() }, text }
      }
      const refusal =
        RETRIED.has(status) && this.#options.pause?.path ? await readRefusal(response) : undefined
      if (refusal === undefined) await response.body?.cancel()
      if (expected.includes(status)) {
        return {
          reply: { status, headers: response.headers, body: undefined, observedAt: new Date().toISOString() },
        }
      }
      const pauseMs = pauseAsked(response.headers, refusal, this.#options.pause)
      return { error: refused(status, label, pauseMs), retry: RETRIED.has(status), pauseMs }
    } catch (error) {
      signal.throwIfAborted()
      return error instanceof ListingError
        ? { error, retry: false }
        : { error: unreachable(error, label, timeout.aborted), retry: true }
    }
  }
}

function parsed({ head, text }: Extract<Attempt, { text: string }>, label: string): Result {
  try {
    return { reply: { ...head, body: parseBody(text, head.headers.get('content-type'), label) } }
  } catch (error) {
    if (error instanceof ListingError) return { error, retry: error.code === 'truncated' }
    throw error
  }
}

/** What a refusal says; nothing where it is no JSON. */
async function readRefusal(response: Response): Promise<unknown> {
  try {
    return JSON.parse(await readText(response, ''))
  } catch {
    return null
  }
}

function refused(status: number, label: string, pauseMs: number | undefined): ListingError {
  const make = (code: ListingErrorCode, mend: string) =>
    new ListingError(code, `${label} answers ${status}. ${mend}`)
  if (status === 401 || status === 403) {
    return make('permission_denied', 'Check the credentials in `auth` or `headers`, and what they may read.')
  }
  if (status >= 300 && status < 400)
    return make('page_failed', 'Redirects are not followed: name the final URL.')
  if (status === 404) return make('page_failed', 'Check the URL.')
  if (status === 429) {
    const asked = pauseMs === undefined ? '' : ` (it asks for a pause of ${Math.ceil(pauseMs / 1000)} s)`
    return make('page_failed', `The API takes fewer requests${asked}: set a lower \`rate\`.`)
  }
  return make('page_failed', status >= 500 ? 'The API fails; run again later.' : 'Check URL and headers.')
}

function unreachable(error: unknown, label: string, timedOut: boolean): ListingError {
  if (timedOut) {
    return new ListingError(
      'timed_out',
      `${label} did not answer in time. Raise \`timeout\`, or ask for smaller pages.`,
      {
        cause: error,
      },
    )
  }
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
  const code = cause && 'code' in cause ? String(cause.code) : 'the connection broke'
  return new ListingError(
    'source_unreachable',
    `${label} does not answer: ${code}. Check the URL and that it runs.`,
    {
      cause: error,
    },
  )
}
