import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { gunzipSync } from 'node:zlib'
import type { EventBatch, ProcessReport, StoredEvent } from '@syncproof/core/contract'

/** Keeps what the SDK sends, each event once, as a store would. */
export class Sink {
  readonly url: string
  readonly #server: ReturnType<typeof createServer>
  readonly #events = new Map<string, StoredEvent>()
  readonly processes = new Map<string, ProcessReport>()

  private constructor(server: ReturnType<typeof createServer>, url: string) {
    this.#server = server
    this.url = url
  }

  static async start(): Promise<Sink> {
    const server = createServer((request, response) => void sink.#receive(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
    const sink = new Sink(server, `http://127.0.0.1:${address.port}`)
    return sink
  }

  /** Everything since the last call. */
  takeEvents(): StoredEvent[] {
    const events = [...this.#events.values()]
    this.#events.clear()
    return events
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const raw = Buffer.concat(chunks)
    const text = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
    const { process, events } = JSON.parse(text.toString()) as EventBatch
    this.processes.set(process.id, process)
    for (const event of events) this.#events.set(event.id, { ...event, process_id: process.id })
    response.writeHead(202, { 'content-type': 'application/json', 'syncproof-time': String(Date.now()) })
    response.end(JSON.stringify({ accepted: events.length, duplicates: 0, rejected: [] }))
  }
}
