import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProblemError } from './problem.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How large a gzip body of this route may become; the route's `bodyLimit` where absent. */
    readonly inflatedBytesMax?: number
  }
}

const inflate = promisify(gunzip)
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Replaces Fastify's body parsers by one for JSON, plain or gzip. It runs after the onRequest hooks, so nothing is
 *  read or inflated for a client that may not send. */
export function parseJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', (request: FastifyRequest, payload: Readable) =>
    parseBody(request, payload),
  )
}

async function parseBody(request: FastifyRequest, payload: Readable): Promise<unknown> {
  requireUtf8(request.headers['content-type'])
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new ProblemError('unsupported_media_type', 'Content-Encoding must be gzip or left out.', {
      headers: { 'accept-encoding': 'gzip' },
    })
  }
  const { bodyLimit, config } = request.routeOptions
  const sent = await readBody(payload, bodyLimit, request.headers['content-length'])
  const bytes = encoding === 'gzip' ? await inflateBody(sent, config.inflatedBytesMax ?? bodyLimit) : sent
  return parseJson(decode(bytes))
}

function requireUtf8(contentType: string | undefined): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1]
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new ProblemError('unsupported_media_type', 'JSON is UTF-8: leave charset out, or set it to utf-8.')
  }
}

/** The body's bytes. What is past the limit is discarded as it comes, not kept, and not left unread either: a
 *  client that is still sending would see a reset in place of the answer. `requestTimeoutMs` bounds it. */
async function readBody(
  payload: Readable,
  bytesMax: number,
  contentLength: string | undefined,
): Promise<Buffer> {
  const tooLarge = () =>
    new ProblemError('body_too_large', `The body is larger than ${bytesMax} bytes as sent.`)
  if (Number(contentLength) > bytesMax) {
    payload.resume()
    throw tooLarge()
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    payload.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bytesMax) {
        chunks.push(chunk)
      } else {
        chunks.length = 0
        reject(tooLarge())
      }
    })
    payload.on('end', () => resolve(Buffer.concat(chunks)))
    payload.on('error', (cause) =>
      reject(new ProblemError('invalid_encoding', 'The body ended before its announced length.', { cause })),
    )
  })
}

/** One-shot on purpose: it holds `maxOutputLength` while inflating; the stream of createGunzip does not. */
async function inflateBody(bytes: Buffer, inflatedBytesMax: number): Promise<Buffer> {
  try {
    return await inflate(bytes, { maxOutputLength: inflatedBytesMax, chunkSize: 128 * 1024 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new ProblemError('body_too_large', `The body is larger than ${inflatedBytesMax} bytes inflated.`)
    }
    throw new ProblemError('invalid_encoding', 'The body is not one whole gzip stream.', { cause: error })
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    throw new ProblemError('invalid_encoding', 'The body is not valid UTF-8.', { cause: error })
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ProblemError('malformed_json', whereParsingStopped(error), { cause: error })
  }
}

/** Where, but not what: V8's message quotes the body, and the body may hold what must not be repeated. */
function whereParsingStopped(error: unknown): string {
  const message = String(error)
  const position = /at position (\d+) \(line (\d+) column (\d+)\)/.exec(message)
  if (position !== null) {
    return `The body is not JSON from character ${position[1]} on (line ${position[2]}, column ${position[3]}).`
  }
  const token = /Unexpected token '(.)'/su.exec(message)?.[1]
  return token === undefined
    ? 'The body ends before its JSON does.'
    : `The body is not JSON: ${JSON.stringify(token)} stands where it may not.`
}
