import { Duplex } from 'node:stream'
import type { PgliteSession, SessionClient } from './session.ts'
import { endsRequest, frame, messageType, WELCOME } from './wire.ts'

/** What pg takes for a TCP socket to a server, ending in a PGlite session: pg itself then does all that it does on a
 *  real server, types, results and errors included. */
export class PgliteSocket extends Duplex implements SessionClient {
  readonly #session: PgliteSession
  #unread: Buffer = Buffer.alloc(0)
  #request: Buffer[] = []
  #started = false

  constructor(session: PgliteSession) {
    super()
    this.#session = session
  }

  connect(): this {
    this.#session.join(this)
    process.nextTick(() => this.emit('connect'))
    return this
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk])
    if (!this.#started) this.#start()
    const { messages, rest } = frame(this.#unread)
    this.#unread = rest
    for (const message of messages) this.#take(message)
    done()
  }

  override _read(): void {}

  override _final(done: () => void): void {
    this.#session.leave(this)
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#session.leave(this)
    done(error)
  }

  receive(bytes: Buffer): void {
    if (!this.destroyed) this.push(bytes)
  }

  lost(error: Error): void {
    this.destroy(error)
  }

  /** The startup message has no type. It comes alone: the client waits for the answer. */
  #start(): void {
    this.#started = true
    this.#unread = Buffer.alloc(0)
    this.push(WELCOME)
  }

  #take(message: Buffer): void {
    if (messageType(message) === 'X') return
    this.#request.push(message)
    if (!endsRequest(message)) return
    this.#session.request(this, Buffer.concat(this.#request))
    this.#request = []
  }

  // What else pg and BullMQ ask of a TCP socket; there is no network in between.
  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}
