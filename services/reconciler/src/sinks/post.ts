import { retryAfterMs } from '@syncproof/connectors/retry-after'
import type { SinkAnswer } from '@syncproof/core/contract'
import { lineOf } from '../alert/line.ts'

/** Of an answer so much is read, and so much is kept. */
const ANSWER_BYTES_MAX = 4_096
const ANSWER_SHOWN_MAX = 200
/** A sink may ask for a pause; a longer one is taken for a mistake. */
const PAUSE_MS_MAX = 60 * 60 * 1_000

/** Sends a body and says what came back. A redirect is not followed: it could lead anywhere, with what is known of the data.
 *  Never rejects. */
export async function post(
  url: string,
  body: string,
  options: {
    readonly headers?: Readonly<Record<string, string>>
    readonly signal: AbortSignal
    /** Statuses by which the sink says that this message will never do. */
    readonly never?: readonly number[]
  },
): Promise<SinkAnswer> {
  const { headers, signal, never = [400, 413, 422] } = options
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'user-agent': 'syncproof', ...headers },
      redirect: 'manual',
      signal,
    })
    const text = await beginning(response)
    return answerOf(response.status, response.headers, text, never)
  } catch (error) {
    return { isTaken: false, isLater: true, answer: failure(error, signal) }
  }
}

function answerOf(status: number, headers: Headers, text: string, never: readonly number[]): SinkAnswer {
  const answer = lineOf(`${status}${text === '' ? '' : ` ${text}`}`, ANSWER_SHOWN_MAX)
  if (status >= 200 && status < 300) return { isTaken: true, answer }
  if (status >= 300 && status < 400) {
    const mend = 'a redirect, which is not followed: name the final address'
    return { isTaken: false, isLater: true, answer: `${status} ${mend}` }
  }
  if (never.includes(status)) return { isTaken: false, isLater: false, answer }
  return { isTaken: false, isLater: true, answer, pauseMs: pauseAsked(headers) }
}

/** What `Retry-After` asks for, an hour at most. */
export function pauseAsked(headers: Headers): number | undefined {
  const ms = retryAfterMs(headers)
  return ms === undefined ? undefined : Math.min(ms, PAUSE_MS_MAX)
}

/** What follows is not read: it may never end. */
async function beginning(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const parts: Uint8Array[] = []
  let bytes = 0
  try {
    while (reader && bytes < ANSWER_BYTES_MAX) {
      const { done, value } = await reader.read()
      if (done) break
      parts.push(value)
      bytes += value.length
    }
  } catch {
    // the status has said it all
  } finally {
    await reader?.cancel().catch(() => {})
  }
  return Buffer.concat(parts).toString('utf8', 0, ANSWER_BYTES_MAX).trim()
}

/** By its code alone: a message may name the address, or a header, with what is secret in it. */
export function failure(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time'
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code =
    cause instanceof Error && 'code' in cause ? String(cause.code) : 'the request could not be made'
  return lineOf(`no answer: ${code}`, ANSWER_SHOWN_MAX)
}
