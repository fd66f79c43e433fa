import type { PgliteThread } from './thread-handle.ts'
import { completed, ROLLBACK, readResponse, subscriptionIn, type TransactionStatus } from './wire.ts'

/** A connection as the session sees it. */
export interface SessionClient {
  /** Bytes of the server for it. */
  receive(bytes: Buffer): void
  /** PGlite is gone, and with it every connection. */
  lost(error: Error): void
}

interface Request {
  readonly client: SessionClient
  readonly messages: Buffer
}

/** PGlite has one session; this shares it among any number of connections.
 *
 *  States: *free*, then any request is next; *held* by the connection whose transaction (or half-sent request) is open,
 *  then only its requests are next and all others wait. What the server says after each request decides, not the SQL.
 *  It becomes free when the server is ready outside a transaction, or by a rollback when the holder leaves.
 *
 *  So whoever holds it must never wait for another connection: on one session that is a deadlock. */
export class PgliteSession {
  readonly #thread: PgliteThread
  readonly #requests: Request[] = []
  readonly #listeners = new Map<string, Set<SessionClient>>()
  readonly #clients = new Set<SessionClient>()
  #holder: SessionClient | undefined
  #status: TransactionStatus = 'I'
  #working = false

  constructor(thread: PgliteThread) {
    this.#thread = thread
  }

  join(client: SessionClient): void {
    this.#clients.add(client)
  }

  /** Forgets a connection and what it still asks; its open transaction is rolled back. */
  leave(client: SessionClient): void {
    if (!this.#clients.delete(client)) return
    this.#stopListening(client)
    const others = this.#requests.filter((request) => request.client !== client)
    this.#requests.splice(0, this.#requests.length, ...others)
    void this.#work()
  }

  /** Asks the server. The answer arrives at `client.receive`, in the order of the requests of a connection. */
  request(client: SessionClient, messages: Buffer): void {
    this.#requests.push({ client, messages })
    void this.#work()
  }

  async #work(): Promise<void> {
    if (this.#working) return
    this.#working = true
    try {
      for (;;) {
        if (this.#holder && !this.#clients.has(this.#holder)) await this.#rollBack()
        const request = this.#nextRequest()
        if (!request) break
        await this.#answer(request)
      }
    } catch (error) {
      this.#loseAll(error instanceof Error ? error : new Error(String(error)))
    } finally {
      this.#working = false
    }
  }

  #nextRequest(): Request | undefined {
    const index = this.#holder ? this.#requests.findIndex((request) => request.client === this.#holder) : 0
    return index < 0 ? undefined : this.#requests.splice(index, 1)[0]
  }

  async #answer({ client, messages }: Request): Promise<void> {
    if (this.#stillWanted(client, messages)) {
      client.receive(completed('UNLISTEN', this.#status))
      return
    }
    const { status, notifications, rest } = readResponse(Buffer.from(await this.#thread.request(messages)))
    this.#holder = status === 'I' ? undefined : client
    if (status) this.#status = status
    for (const bytes of rest) client.receive(bytes)
    for (const { channel, message } of notifications) {
      for (const listener of this.#listeners.get(channel) ?? []) listener.receive(message)
    }
  }

  /** Keeps the books of LISTEN: the server knows one listener, the session.
   *  @returns whether an UNLISTEN must not reach the server, because another connection listens */
  #stillWanted(client: SessionClient, messages: Buffer): boolean {
    const subscription = subscriptionIn(messages)
    if (!subscription) return false
    if (subscription.channel === '*') {
      this.#stopListening(client)
      return true
    }
    const listeners = this.#listeners.get(subscription.channel) ?? new Set()
    this.#listeners.set(subscription.channel, listeners)
    if (subscription.listen) listeners.add(client)
    else listeners.delete(client)
    return !subscription.listen && listeners.size > 0
  }

  #stopListening(client: SessionClient): void {
    for (const listeners of this.#listeners.values()) listeners.delete(client)
  }

  async #rollBack(): Promise<void> {
    await this.#thread.request(ROLLBACK)
    this.#holder = undefined
    this.#status = 'I'
  }

  #loseAll(error: Error): void {
    this.#requests.length = 0
    for (const client of this.#clients) client.lost(error)
    this.#clients.clear()
  }
}
