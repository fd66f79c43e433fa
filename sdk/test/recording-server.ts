import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import type { EventBatch, SyncproofEvent } from '@syncproof/core/contract'

interface Received {
  readonly batch: EventBatch
  readonly bytes: number
  readonly headers: IncomingMessage['headers']
}

/** What the server answers; undefined for a receipt that accepts all. */
export type Answer = (
  received: Received,
) => { status: number; body?: unknown; headers?: Record<string, string> } | 'hang up' | 'hang' | undefined

/** A real HTTP server in the collector's place: it keeps what it was sent, and answers what a test says. */
export async function recordingServer(answer: Answer = () => undefined) {
  const requests: Received[] = []
  const stored = new Map<string, SyncproofEvent>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => reply(request, response, Buffer.concat(chunks)))
  })

  function reply(request: IncomingMessage, response: ServerResponse, raw: Buffer): void {
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
    const received = { batch: JSON.parse(text.toString()), bytes: text.length, headers: request.headers }
    requests.push(received)
    const answered = answer(received)
    if (answered === 'hang') return
    if (answered === 'hang up') return void response.destroy()
    if (!answered) for (const event of received.batch.events) stored.set(event.id, event)
    const body = answered
      ? answered.body
      : { accepted: received.batch.events.length, duplicates: 0, rejected: [] }
    response.writeHead(answered?.status ?? 202, { 'content-type': 'application/json', ...answered?.headers })
    response.end(JSON.stringify(body ?? {}))
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    /** Events that were acknowledged, in the order of their sequence. */
    events: () => [...stored.values()].sort((a, b) => a.seq - b.seq),
    ofKind<K extends SyncproofEvent['kind']>(kind: K) {
      return [...stored.values()]
        .sort((a, b) => a.seq - b.seq)
        .filter((event): event is Extract<SyncproofEvent, { kind: K }> => event.kind === kind)
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export type RecordingServer = Awaited<ReturnType<typeof recordingServer>>
