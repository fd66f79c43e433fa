import { setTimeout as delay } from 'node:timers/promises'

export interface LimiterOptions {
  /** From one request to the next, on the average; 0 for no limit. */
  readonly spacingMs: number
  /** Requests that may be sent at once after a quiet time. */
  readonly burst: number
  readonly inFlight: number
}

/** A token bucket, with a bound on requests in flight. A server that asks for a pause holds up all of them. */
export class Limiter {
  readonly #options: LimiterOptions
  /** When the bucket is full again: each request moves it by one spacing. */
  #fullAtMs = 0
  #pausedUntilMs = 0
  #inFlight = 0
  readonly #waiting: (() => void)[] = []

  constructor(options: LimiterOptions) {
    this.#options = options
  }

  /** Runs a request when it is its turn. @throws the signal's reason */
  async run<T>(signal: AbortSignal, request: () => Promise<T>): Promise<T> {
    signal.throwIfAborted()
    while (this.#inFlight >= this.#options.inFlight) await this.#left(signal)
    this.#inFlight += 1
    try {
      await this.#turn(signal)
      return await request()
    } finally {
      this.#inFlight -= 1
      this.#waiting.shift()?.()
    }
  }

  /** Nothing is sent before this is over. */
  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, performance.now() + ms)
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { spacingMs, burst } = this.#options
    const nowMs = performance.now()
    const atMs = Math.max(nowMs, this.#fullAtMs - spacingMs * (burst - 1))
    this.#fullAtMs = Math.max(nowMs, this.#fullAtMs) + spacingMs
    if (atMs > nowMs) await delay(atMs - nowMs, undefined, { signal })
    for (;;) {
      const pauseMs = this.#pausedUntilMs - performance.now()
      if (pauseMs <= 0) return
      await delay(pauseMs, undefined, { signal })
    }
  }

  #left(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        const at = this.#waiting.indexOf(go)
        if (at >= 0) this.#waiting.splice(at, 1)
        reject(signal.reason)
      }
      const go = () => {
        signal.removeEventListener('abort', stop)
        resolve()
      }
      signal.addEventListener('abort', stop, { once: true })
      this.#waiting.push(go)
    })
  }
}

const shared = new Map<string, Limiter>()

/** One bucket for all sources that ask as the same somebody: the server counts them together.
 *  @param who origin and credentials, hashed */
export function limiterOf(who: string, options: LimiterOptions): Limiter {
  const key = JSON.stringify([who, options])
  const limiter = shared.get(key) ?? new Limiter(options)
  shared.set(key, limiter)
  return limiter
}
