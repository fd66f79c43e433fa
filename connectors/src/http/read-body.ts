import { TextDecoder } from 'node:util'
import { ListingError } from '@syncproof/core/comparison'
import { parseLosslessly } from '../lossless-json.ts'

/** One page, inflated. A listing needs far less, and a body is parsed in one piece. */
const BODY_BYTES_MAX = 16 * 1024 * 1024

/** A reply's body as text, never more than `BODY_BYTES_MAX` of it in memory.
 *  @throws ListingError `body_too_large`, `not_json`; the network's own error where the body breaks off */
export async function readText(response: Response, from: string): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const parts: string[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > BODY_BYTES_MAX) {
      throw new ListingError(
        'body_too_large',
        `${from} answers with more than ${BODY_BYTES_MAX / 1024 / 1024} MiB in one page. Ask for smaller pages in \`url\`.`,
      )
    }
    parts.push(decode(decoder, chunk, from))
  }
  parts.push(decode(decoder, undefined, from))
  return parts.join('')
}

/** @throws ListingError `not_json`, `truncated` */
export function parseBody(text: string, contentType: string | null, from: string): unknown {
  try {
    return parseLosslessly(text)
  } catch (error) {
    if (/html/i.test(contentType ?? '') || /^\s*</.test(text)) {
      throw new ListingError(
        'not_json',
        `${from} answers with HTML. Check that the URL is the API’s and not a page or a login.`,
        { cause: error },
      )
    }
    if (text.trim() === '') {
      throw new ListingError('not_json', `${from} answers with an empty body. Check the URL.`, {
        cause: error,
      })
    }
    if (endsEarly(text)) {
      throw new ListingError('truncated', `The body of ${from} ends in the middle of its JSON. Run again.`, {
        cause: error,
      })
    }
    throw new ListingError(
      'not_json',
      `${from} answers with what is not JSON. Check the URL and its headers.`,
      {
        cause: error,
      },
    )
  }
}

function decode(decoder: TextDecoder, chunk: Uint8Array | undefined, from: string): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
  } catch (error) {
    throw new ListingError('not_json', `${from} answers with bytes that are not UTF-8.`, { cause: error })
  }
}

/** The text opens a list or an object and does not end as one does. */
function endsEarly(text: string): boolean {
  const trimmed = text.trim()
  return (
    (trimmed.startsWith('[') && !trimmed.endsWith(']')) || (trimmed.startsWith('{') && !trimmed.endsWith('}'))
  )
}
