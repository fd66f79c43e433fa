import { readMember } from '../operation/outcome.ts'

/** Bodies beyond this are not looked at: parsing one this long takes about a millisecond of the host's time. */
const BODY_BYTES_MAX = 256 * 1024
/** How long a body may take to arrive before its event is made without it. */
const BODY_MS_MAX = 2_000

const JSON_TYPE = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i

export function isJsonType(contentType: string | undefined): boolean {
  return contentType !== undefined && JSON_TYPE.test(contentType)
}

export function parseJson(text: string): unknown {
  if (text.length > BODY_BYTES_MAX) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The JSON body of a Request or a Response, read from a clone, so that the app's own body stays as it is. A
 *  body that is not JSON, too long, too slow or cut off is undefined. Call it before anybody reads the body. */
export async function readJson(
  message: object,
  headers: (name: string) => string | undefined,
): Promise<unknown> {
  const lengthHeader = headers('content-length')
  const lengthBytes = lengthHeader === undefined ? undefined : Number(lengthHeader)
  if (!isJsonType(headers('content-type')) || (lengthBytes ?? 0) > BODY_BYTES_MAX) return undefined
  const reader = readerOfClone(message)
  if (!reader) return undefined
  // the other half of the clone goes on without us
  const stop = () => void reader.cancel().catch(() => undefined)
  const timer = setTimeout(stop, BODY_MS_MAX)
  timer.unref()
  try {
    const isPlain = headers('content-encoding') === undefined
    const text = await readText(reader, isPlain ? lengthBytes : undefined)
    return text === undefined ? undefined : parseJson(text)
  } catch {
    return undefined // cut off, or aborted: the app sees that at its own body
  } finally {
    clearTimeout(timer)
    stop()
  }
}

type Reader = ReadableStreamDefaultReader<Uint8Array>

function readerOfClone(message: object): Reader | undefined {
  if (readMember(message, 'bodyUsed') !== false || !isWebStream(readMember(message, 'body'))) return undefined
  try {
    return (message as Request | Response).clone().body?.getReader()
  } catch {
    return undefined
  }
}

/** A clone of any other kind of stream holds the app's half up where it is not read to its end. */
function isWebStream(body: unknown): boolean {
  return typeof readMember(body, 'getReader') === 'function' && typeof readMember(body, 'tee') === 'function'
}

/** @param lengthBytes where it is known, the end is known before the stream says so */
async function readText(reader: Reader, lengthBytes: number | undefined): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  for (let bytes = 0; bytes !== lengthBytes; ) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.byteLength
    if (bytes > BODY_BYTES_MAX) return undefined
    text += decoder.decode(value, { stream: true })
  }
  return text + decoder.decode()
}
