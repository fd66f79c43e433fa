import { setFlagsFromString } from 'node:v8'
import { Worker } from 'node:worker_threads'
import type { ThreadAnswer, ThreadCall, ThreadData } from './thread.ts'

/** The thread has ended or PGlite in it has failed: nothing more can be asked of it. */
export class PgliteGoneError extends Error {
  override readonly name = 'PgliteGoneError'
  readonly code = 'PGLITE_GONE'
}

interface Waiting {
  resolve(response: Uint8Array): void
  reject(error: Error): void
}

/** The main thread's side of the thread that PGlite lives in. */
export class PgliteThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #calls = 0
  #gone: PgliteGoneError | undefined

  constructor(data: ThreadData) {
    // V8 sometimes ends the whole process when it frees WebAssembly code that it has compiled better since
    // (https://github.com/nodejs/node/issues/64500); what is kept instead is some hundred kilobytes
    setFlagsFromString('--no-wasm-code-gc')
    this.#worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: data })
    this.#worker.on('message', (answer: ThreadAnswer) => this.#settle(answer))
    this.#worker.on('error', (error) => this.#fail(new PgliteGoneError(`PGlite failed: ${error}`)))
    this.#worker.on('exit', () => this.#fail(new PgliteGoneError('PGlite is closed')))
  }

  /** Sends messages of the wire protocol that end where the client waits.
   *  @returns what the server answers, whole
   *  @throws PgliteGoneError */
  request(messages: Uint8Array): Promise<Uint8Array> {
    return this.#call((id) => ({ id, request: messages }))
  }

  /** Resolves when everything is on disk and the thread has ended. */
  async close(): Promise<void> {
    if (this.#gone) return
    await this.#call((id) => ({ id, close: true }))
    await this.#worker.terminate()
  }

  #call(toCall: (id: number) => ThreadCall): Promise<Uint8Array> {
    if (this.#gone) return Promise.reject(this.#gone)
    this.#calls += 1
    const id = this.#calls
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage(toCall(id))
    })
  }

  #settle({ id, response = new Uint8Array(), failure }: ThreadAnswer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (failure === undefined) waiting?.resolve(response)
    else waiting?.reject(new PgliteGoneError(failure))
  }

  #fail(error: PgliteGoneError): void {
    this.#gone ??= error
    for (const waiting of this.#waiting.values()) waiting.reject(this.#gone)
    this.#waiting.clear()
  }
}
