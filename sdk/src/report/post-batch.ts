import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { clockJumps, type Moment, now } from '../clock.ts'
import type { RoundTrip } from './clock-offset.ts'
import { type Answer, post } from './exchange.ts'

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

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

const compress = promisify(gzip)

/** Sends one batch. Whatever keeps it from being answered is `again`. */
export async function postBatch(
  target: PostTarget,
  body: readonly Buffer[],
  timeoutMs: number,
  abandon: AbortSignal,
): Promise<PostResult> {
  const url = new URL(target.eventsUrl)
  const length = lengthOf(body)
  // within one machine bytes cost less than their compression
  const zipped = length >= GZIP_BYTES_MIN && !LOOPBACK.test(url.hostname)
  const content = zipped ? [await compress(Buffer.concat(body), { level: 1 })] : body
  const headers = {
    'content-type': 'application/json',
    'content-length': lengthOf(content),
    ...(zipped && { 'content-encoding': 'gzip' }),
    ...(target.apiKey !== undefined && { authorization: `Bearer ${target.apiKey}` }),
  }
  // takes whole numbers only
  const signal = AbortSignal.any([AbortSignal.timeout(Math.ceil(timeoutMs)), abandon])
  const sent = begin()
  try {
    const answer = await post(url, headers, content, signal)
    return { ...judge(answer), roundTrip: roundTripOf(sent, answer) }
  } catch {
    return { kind: 'again', retryAfterMs: undefined }
  }
}

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0)
}

function judge({ status, headers, text }: Answer): PostResult {
  const answer = parseObject(text)
  const rejected = Array.isArray(answer?.rejected) ? answer.rejected.length : 0
  if (status === 202 && typeof answer?.accepted === 'number')
    return { kind: 'stored', rejected, detail: detailOf(answer) }
  if (status === 422 && rejected > 0) return { kind: 'stored', rejected, detail: detailOf(answer) }
  if (status === 413) return { kind: 'too_large' }
  if (status === 408 || status === 429 || status >= 500)
    return { kind: 'again', retryAfterMs: retryAfterMs(headers['retry-after']) }
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
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined
}

interface Begun {
  readonly at: Moment
  readonly jumps: number
}

function begin(): Begun {
  const at = now()
  return { at, jumps: clockJumps() }
}

/** `Date` is cut to the second, and Node's is renewed once a second: it may be nearly two old. */
const DATE_AGE_MS_MAX = 2_000

function roundTripOf(sent: Begun, { headers }: Answer): RoundTrip | undefined {
  const answered = begin()
  // the clock was set in between: this round trip bounds nothing
  if (answered.jumps !== sent.jumps) return undefined
  const toldMs = Number(headers['syncproof-time'] || Number.NaN)
  const collectorMs = Number.isNaN(toldMs) ? Date.parse(headers.date ?? '') : toldMs
  if (!Number.isFinite(collectorMs)) return undefined
  return {
    sentMs: sent.at.wallUs / 1000,
    answeredMs: answered.at.wallUs / 1000,
    monotonicMs: answered.at.monotonicUs / 1000,
    collectorMs,
    precisionMs: Number.isNaN(toldMs) ? DATE_AGE_MS_MAX : 1,
    jumps: answered.jumps,
  }
}
