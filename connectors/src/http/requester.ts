import { setTimeout as delay } from 'node:timers/promises'
import { ListingError, type ListingErrorCode } from '@syncproof/core/comparison'
import { parseBody, readText } from './read-body.ts'

const ATTEMPTS_MAX = 5
/** Doubled with each attempt, and up to half of it added by chance so that clients do not come back together. */
const BACKOFF_MS = 250
/** A server that asks for a longer pause ends the listing instead: a later run does better than a worker held. */
const RETRY_AFTER_MS_MAX = 120_000

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
  /** For one attempt, its body included. */
  readonly timeoutMs: number
  /** From one request to the next; 0 for no limit. */
  readonly spacingMs: number
}

interface Question {
  readonly url: URL
  /** How messages name it: without parameters and keys. */
  readonly label: string
  /** Statuses besides 200 that are an answer. */
  readonly expected: readonly number[]
}

type Attempt =
  | { readonly reply: Reply }
  | { readonly error: ListingError; readonly retry: boolean; readonly retryAfterMs?: number | undefined }

/** GETs of one API: spaced by its rate, tried again where that can help, bounded in time and size.
 *  Redirects are not followed: they could lead anywhere, and a listing that moved is worth knowing. */
export class Requester {
  requests = 0
  readonly #options: RequesterOptions
  #freeAtMs = 0

  constructor(options: RequesterOptions) {
    this.#options = options
  }

  /** @throws ListingError for every answer that is neither 200 with JSON nor expected */
  async get(question: Question, signal: AbortSignal): Promise<Reply> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#turn(signal)
      const result = await this.#attempt(question, signal)
      if ('reply' in result) return result.reply
      if (!result.retry || attempt === ATTEMPTS_MAX) throw result.error
      const backoffMs = BACKOFF_MS * 2 ** (attempt - 1) * (1 + Math.random() / 2)
      const waitMs = Math.max(backoffMs, result.retryAfterMs ?? 0)
      if (waitMs > RETRY_AFTER_MS_MAX) throw result.error
      await delay(waitMs, undefined, { signal })
    }
  }

  /** Waits until the rate allows one more request. */
  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const nowMs = performance.now()
    const atMs = Math.max(nowMs, this.#freeAtMs)
    this.#freeAtMs = atMs + this.#options.spacingMs
    if (atMs > nowMs) await delay(atMs - nowMs, undefined, { signal })
  }

  async #attempt({ url, label, expected }: Question, signal: AbortSignal): Promise<Attempt> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs)
    this.requests += 1
    try {
      const response = await fetch(url, {
        headers: { accept: 'application/json', ...this.#options.headers },
        redirect: 'manual',
        signal: AbortSignal.any([signal, timeout]),
      })
      const { status, headers } = response
      if (status === 200) {
        const body = parseBody(await readText(response, label), headers.get('content-type'), label)
        return { reply: { status, headers, body, observedAt: new Date().toISOString() } }
      }
      await response.body?.cancel()
      if (expected.includes(status)) {
        return { reply: { status, headers, body: undefined, observedAt: new Date().toISOString() } }
      }
      const retryAfterMs = readRetryAfter(headers)
      return { error: refused(status, label, retryAfterMs), retry: RETRIED.has(status), retryAfterMs }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ListingError) return { error, retry: error.code === 'truncated' }
      return { error: unreachable(error, label, timeout.aborted), retry: true }
    }
  }
}

function refused(status: number, label: string, retryAfterMs: number | undefined): ListingError {
  const make = (code: ListingErrorCode, mend: string) =>
    new ListingError(code, `${label} answers ${status}. ${mend}`)
  if (status === 401 || status === 403) {
    return make('permission_denied', 'Check the credentials in `headers` and what they may read.')
  }
  if (status >= 300 && status < 400)
    return make('page_failed', 'Redirects are not followed: name the final URL.')
  if (status === 404) return make('page_failed', 'Check the URL.')
  if (status === 429) {
    const asked =
      retryAfterMs === undefined ? '' : ` (it asks for a pause of ${Math.ceil(retryAfterMs / 1000)} s)`
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

/** Milliseconds that the server asks to wait, from seconds or from a date; undefined where it asks for nothing.
 *  A date is held against the server's own clock where it says it: ours may differ. */
function readRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim()
  if (!value) return undefined
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000
  const at = Date.parse(value)
  if (Number.isNaN(at)) return undefined
  const serverNow = Date.parse(headers.get('date') ?? '')
  return Math.max(0, at - (Number.isNaN(serverNow) ? Date.now() : serverNow))
}
