import { type ErrorCode, errorCatalogue } from '@syncproof/core/contract/errors'

/** A problem document (RFC 9457). `type` is a stable relative reference, `/errors/<code>`; `instance` names this
 *  one answer and carries the request id that the log has too. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly instance: string
  /** RFC 6901, into the body of the request. */
  readonly pointer?: string | undefined
  /** Name of the query or path parameter. */
  readonly parameter?: string | undefined
  readonly [extension: string]: unknown
}

export interface ProblemOptions {
  readonly pointer?: string | undefined
  readonly parameter?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the document. */
  readonly extensions?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** Thrown by whatever answers a request: Fastify's hooks and parsers know no other way to end one early. */
export class ProblemError extends Error {
  readonly code: ErrorCode
  readonly statusCode: number
  readonly options: ProblemOptions

  /** @param detail what is wrong with this request; goes to the client: no internals, no values */
  constructor(code: ErrorCode, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause })
    this.name = 'ProblemError'
    this.code = code
    this.statusCode = errorCatalogue[code].status
    this.options = options
  }
}

export function problemDocument(error: ProblemError, requestId: string): Problem {
  const { status, title } = errorCatalogue[error.code]
  const { pointer, parameter, extensions } = error.options
  return {
    type: `/errors/${error.code}`,
    title,
    status,
    code: error.code,
    detail: error.message,
    instance: `urn:uuid:${requestId}`,
    ...(pointer === undefined ? {} : { pointer }),
    ...(parameter === undefined ? {} : { parameter }),
    ...extensions,
  }
}
