import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Answer } from '../plan/call.ts'
import type { Values } from './row.ts'

/** What the other system itself wrote down of one request. */
export interface AtsEntry {
  /** The statement of the program that sent it. */
  readonly request: string
  readonly record: string
  readonly fields: Values
  /** In the order in which it was applied; undefined where it was not. */
  applied?: number
}

/** A system that keeps records, over HTTP. What is to go wrong with a request is said in its headers, which no adapter
 *  reads. */
export class Ats {
  readonly url: string
  readonly #server: ReturnType<typeof createServer>
  #log: AtsEntry[] = []
  #revision = 0
  #records = 0
  #late = 0
  #whenQuiet: (() => void)[] = []

  private constructor(server: ReturnType<typeof createServer>, url: string) {
    this.#server = server
    this.url = url
  }

  static async start(): Promise<Ats> {
    const server = createServer((request, response) => void ats.#answer(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
    const ats = new Ats(server, `http://127.0.0.1:${address.port}`)
    return ats
  }

  /** Everything since the last call, once what was to come late has come. */
  async takeLog(): Promise<AtsEntry[]> {
    if (this.#late > 0) await new Promise<void>((resolve) => this.#whenQuiet.push(resolve))
    const log = this.#log
    this.#log = []
    return log
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const answer = request.headers['x-answer'] as Answer
    const entry: AtsEntry = {
      request: String(request.headers['x-request']),
      record: decodeURIComponent((request.url ?? '').split('/')[2] ?? ''),
      fields: JSON.parse(Buffer.concat(chunks).toString()),
    }
    this.#log.push(entry)
    if (answer === 'request_lost') return void response.destroy()
    if (answer === 'rejected') return void response.writeHead(422).end()
    if (answer === 'applied_late') {
      response.destroy()
      return this.#later(() => this.#apply(entry))
    }
    if (answer === 'slow') return this.#later(() => this.#reply(request, response, this.#apply(entry)))
    const revision = this.#apply(entry)
    if (answer === 'reply_lost') return void response.destroy()
    this.#reply(request, response, revision)
  }

  #reply(request: IncomingMessage, response: ServerResponse, revision: number): void {
    const headers = { etag: `"${revision}"`, 'content-type': 'application/json' }
    if (request.method !== 'POST') return void response.writeHead(200, headers).end('{}')
    this.#records += 1
    response.writeHead(201, headers).end(JSON.stringify({ id: `r${this.#records}` }))
  }

  #apply(entry: AtsEntry): number {
    this.#revision += 1
    entry.applied = this.#revision
    return this.#revision
  }

  #later(run: () => void): void {
    this.#late += 1
    setTimeout(() => {
      run()
      this.#late -= 1
      if (this.#late > 0) return
      for (const resolve of this.#whenQuiet.splice(0)) resolve()
    }, 12)
  }
}
