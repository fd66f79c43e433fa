import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ProblemError, problemDocument } from './problem.ts'

/** Answers what Node refuses before there is a request: bytes that are not HTTP, headers too large, a request that
 *  came too slowly. The socket ends with the answer. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  // gone, or in the middle of an answer: another head would corrupt it
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const problem = toProblem(error.code)
  const body = JSON.stringify(problemDocument(problem, randomUUID()))
  const head = [
    `HTTP/1.1 ${problem.statusCode} ${STATUS_CODES[problem.statusCode]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

function toProblem(code: string | undefined): ProblemError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('request_timeout', 'The request did not arrive whole in time.')
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError('headers_too_large', 'Path and headers are too large.')
    default:
      return new ProblemError('invalid_request', 'The request is not valid HTTP.')
  }
}
