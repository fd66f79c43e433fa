import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { now } from '../clock.ts'
import type { RoundTrip } from './clock-offset.ts'

/** What the collector made of a batch. */
export type PostResult = { readonly roundTrip?: RoundTrip | undefined } & (
  | { readonly kind: 'stored'; readonly rejected: number; readonly detail: string }
  | { readonly kind: 'too_large' }
  /** Passes by itself: no connection, a timeout, 429, 5xx. */
  | { readonly kind: 'again'; readonly retryAfterMs: number | undefined }
  /** Passes when somebody mends something: a wrong key, a wrong address, an old collector. */
  | { readonly kind: 'refused'; readonly status: number; readonly detail: string }
)

export interface PostTarget {
  readonly eventsUrl: string
  readonly apiKey: string | undefined
}

/** Below this, gzip costs more than it saves. */
const GZIP_BYTES_MIN = 2_048

/** The answer to a batch of the contract's size has at most a line for each event. */
const ANSWER_CHARS_MAX = 4 * 1024 * 1024

const compress = promisify(gzip)

/** Sends one batch. Whatever keeps it from being answered is `again`. */
export async function postBatch(
  target: PostTarget,
  body: string,
  timeoutMs: number,
  abandon: AbortSignal,
): Promise<PostResult> {
  const plain = Buffer.from(body)
  const zipped = plain.length >= GZIP_BYTES_MIN
  const request = {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(zipped && { 'content-encoding': 'gzip' }),
      ...(target.apiKey !== undefined && { authorization: `Bearer ${target.apiKey}` }),
    },
    body: zipped ? await compress(plain, { level: 1 }) : plain,
    // a redirect would carry the key elsewhere
    redirect: 'error',
    // takes whole numbers only
    signal: AbortSignal.any([AbortSignal.timeout(Math.ceil(timeoutMs)), abandon]),
  } as const
  const sent = now()
  try {
    const response = await fetch(target.eventsUrl, request)
    const roundTrip = roundTripOf(sent, response.headers.get('date'))
    return { ...judge(response, await response.text()), roundTrip }
  } catch {
    return { kind: 'again', retryAfterMs: undefined }
  }
}

function judge(response: Response, text: string): PostResult {
  const { status } = response
  const answer = text.length > ANSWER_CHARS_MAX ? undefined : parseObject(text)
  const rejected = Array.isArray(answer?.rejected) ? answer.rejected.length : 0
  if (status === 202 && typeof answer?.accepted === 'number')
    return { kind: 'stored', rejected, detail: detailOf(answer) }
  if (status === 422 && rejected > 0) return { kind: 'stored', rejected, detail: detailOf(answer) }
  if (status === 413) return { kind: 'too_large' }
  if (status === 408 || status === 429 || status >= 500)
    return { kind: 'again', retryAfterMs: retryAfterMs(response.headers.get('retry-after')) }
  return { kind: 'refused', status, detail: detailOf(answer) }
}

function detailOf(answer: Readonly<Record<string, unknown>> | undefined): string {
  const first: unknown = Array.isArray(answer?.rejected) ? answer.rejected[0] : answer
  if (typeof first !== 'object' || first === null) return ''
  const { pointer, message, detail, title } = first as Record<string, unknown>
  return [pointer, message ?? detail ?? title].filter((part) => typeof part === 'string').join(' ')
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** Seconds, or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

function roundTripOf(sent: ReturnType<typeof now>, date: string | null): RoundTrip | undefined {
  const dateMs = date === null ? Number.NaN : Date.parse(date)
  if (Number.isNaN(dateMs)) return undefined
  const answered = now()
  const wallMs = (answered.wallUs - sent.wallUs) / 1000
  const monotonicMs = (answered.monotonicUs - sent.monotonicUs) / 1000
  // the clock was set in between: this round trip bounds nothing
  if (Math.abs(wallMs - monotonicMs) > 1) return undefined
  return { sentMs: sent.wallUs / 1000, answeredMs: answered.wallUs / 1000, dateMs }
}
