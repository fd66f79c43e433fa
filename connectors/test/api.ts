import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Api {
  readonly origin: string
  /** Path and query of every request, in order. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

export type Answer = (response: ServerResponse, url: URL, request: IncomingMessage) => void

/** A real HTTP server on a free loopback port. */
export async function startApi(answer: Answer): Promise<Api> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    answer(response, new URL(request.url ?? '/', `http://${request.headers.host}`), request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export function json(response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}
