import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProblemError } from './problem.ts'
import { readBody } from './read-body.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How large a gzip body of this route may become; the route's `bodyLimit` where absent. */
    readonly inflatedBytesMax?: number
  }
}

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
  if (Number(request.headers['content-length']) > bodyLimit) {
    payload.resume()
    throw new ProblemError('body_too_large', `The body is larger than ${bodyLimit} bytes as sent.`)
  }
  const bytes = await readBody(payload, encoding === 'gzip', {
    sentBytesMax: bodyLimit,
    inflatedBytesMax: config.inflatedBytesMax ?? bodyLimit,
    arrive: (bytes) => request.admitted?.arrive(bytes),
    grow: (bytes) => request.admitted?.grow(bytes),
  })
  return parseJson(decode(bytes))
}

function requireUtf8(contentType: string | undefined): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType ?? '')?.[1]
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) {
    throw new ProblemError('unsupported_media_type', 'JSON is UTF-8: leave charset out, or set it to utf-8.')
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
