import { readMember } from '../operation/outcome.ts'
import { isJsonType, parseJson, readJson } from './json-body.ts'

/** A request as options of `observeFetch` see it. */
export interface HttpRequest {
  /** In upper case. */
  readonly method: string
  readonly url: string
  /** What the JSON body says; undefined where there is none that could be read. */
  readonly body: unknown
}

/** The same, before its body is known: that of a Request object is read from a clone. */
export interface SeenRequest {
  readonly method: string
  readonly url: string
  readonly body: unknown | Promise<unknown>
  header(name: string): string | undefined
}

/** What the arguments of a `fetch` say; undefined where they are of another shape. Reads nothing that the call
 *  consumes.
 *  @param needsBody whether a body is of interest for this method */
export function readRequest(
  args: readonly unknown[],
  needsBody: (method: string) => boolean,
): SeenRequest | undefined {
  const [input, init] = args
  const url = typeof input === 'string' ? input : (readMember(input, 'href') ?? readMember(input, 'url'))
  const method = readMember(init, 'method') ?? readMember(input, 'method') ?? 'GET'
  if (typeof url !== 'string' || typeof method !== 'string') return undefined
  const headers = readMember(init, 'headers') ?? readMember(input, 'headers')
  const header = (name: string) => readHeader(headers, name)
  const upper = method.toUpperCase()
  return { method: upper, url, header, body: needsBody(upper) ? bodyOf(input, init, header) : undefined }
}

function bodyOf(input: unknown, init: unknown, header: SeenRequest['header']): unknown {
  const body = readMember(init, 'body')
  if (typeof body === 'string') {
    const type = header('content-type')
    // without a type: many a client names none, and text that is no JSON does not parse
    return type === undefined || isJsonType(type) ? parseJson(body) : undefined
  }
  // what clients that take objects make JSON of; all else is a stream, a form or bytes
  if (isPlainObject(body)) return body
  const isUnsent = body === undefined || body === null
  return isUnsent && typeof input === 'object' && input !== null ? readJson(input, header) : undefined
}

function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Of a Headers, a list of pairs or an object; other iterables can be read but once. */
export function readHeader(headers: unknown, name: string): string | undefined {
  try {
    if (typeof headers !== 'object' || headers === null) return undefined
    if (typeof readMember(headers, 'get') === 'function') return (headers as Headers).get(name) ?? undefined
    const pairs: readonly unknown[] = Array.isArray(headers) ? headers : Object.entries(headers)
    for (const pair of pairs) {
      const [key, value]: unknown[] = Array.isArray(pair) ? pair : []
      if (typeof key === 'string' && key.toLowerCase() === name && value !== undefined) return String(value)
    }
    return undefined
  } catch {
    return undefined
  }
}
