import { TextDecoder } from 'node:util'
import { ListingError } from '@syncproof/core/comparison'

/** One record as text. A listing needs far less, and each is parsed in one piece. */
export const RECORD_BYTES_MAX = 16 * 1024 * 1024

export interface Line {
  readonly text: string
  /** From 1. */
  readonly number: number
  /** Bytes from the beginning of the stream to behind the line. */
  readonly end: number
  /** It is the last, and nothing ends it. */
  readonly isOpen: boolean
}

/** Lines of UTF-8, with their ends taken away; in bounded memory.
 *  @param label names the system in messages
 *  @throws ListingError `body_too_large`, `not_utf8` */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>, label: string): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let parts: Uint8Array[] = []
  let held = 0
  let end = 0
  let number = 0
  const line = (isOpen: boolean): Line => {
    number += 1
    end += held
    const text = decode(decoder, Buffer.concat(parts), `${label}, line ${number},`)
    parts = []
    held = 0
    return { text: text.replace(/\r?\n$/, ''), number, end, isOpen }
  }
  for await (const chunk of bytes) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      parts.push(chunk.subarray(from, at + 1))
      held += at + 1 - from
      from = at + 1
      yield line(false)
    }
    if (from === chunk.length) continue
    parts.push(chunk.subarray(from))
    held += chunk.length - from
    if (held <= RECORD_BYTES_MAX) continue
    throw new ListingError(
      'body_too_large',
      `${label} has more than ${RECORD_BYTES_MAX / 1024 / 1024} MiB in line ${number + 1}. One record is one line; check the format.`,
    )
  }
  if (held > 0) yield line(true)
}

const NEWLINE = 0x0a

function decode(decoder: TextDecoder, bytes: Uint8Array, where: string): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new ListingError('not_utf8', `${where} has bytes that are not UTF-8. Convert it to UTF-8.`, {
      cause,
    })
  }
}
