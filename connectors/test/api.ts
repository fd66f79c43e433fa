import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RecordSource, SourceRecord } from '@syncproof/core/comparison'
import { afterAll } from 'vitest'
import { type HttpOptions, http } from '../src/index.ts'

interface Api {
  readonly origin: string
  /** Path and query of every request, in order. */
  readonly asked: readonly string[]
  close(): Promise<void>
}

export type Answer = (response: ServerResponse, url: URL, request: IncomingMessage) => void

/** A real HTTP server on a free loopback port. */
async function startApi(answer: Answer): Promise<Api> {
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

const opened: { close(): Promise<void> }[] = []
afterAll(async () => {
  for (const thing of opened) await thing.close()
})

/** As `startApi`; it ends with the test file. */
export async function api(answer: Answer): Promise<Api> {
  const started = await startApi(answer)
  opened.push(started)
  return started
}

/** An opened connector; it ends with the test file. */
export function source(url: string, options: Partial<HttpOptions> = {}): RecordSource {
  const made = http({ url, key: 'id', ...options }).open()
  opened.push(made)
  return made
}

export const signal = new AbortController().signal

export async function listed(from: RecordSource): Promise<SourceRecord[]> {
  const records: SourceRecord[] = []
  for await (const batch of from.list(signal)) records.push(...batch.records)
  return records
}

export const people = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => ({ id: from + n, name: `n${from + n}` }))
