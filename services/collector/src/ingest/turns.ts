import { setImmediate as nextTurn } from 'node:timers/promises'

/** Shares the one thread between long pieces of work and the sockets: of a turn of the event loop each piece takes a little, and only a
 *  few are at it. With hundreds at it a turn would take seconds, and one connection is accepted a turn. */
export class Turns {
  readonly #atOnce: number
  readonly #turnMs: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** @param turnMs that a piece of work may take before others have their turn */
  constructor(atOnce: number, turnMs: number) {
    this.#atOnce = atOnce
    this.#turnMs = turnMs
  }

  /** @param work calls `breathe` often; mostly it resolves at once */
  async run<T>(work: (breathe: () => Promise<void> | undefined) => Promise<T>): Promise<T> {
    if (this.#running >= this.#atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      return await work(this.#breathing())
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }

  #breathing(): () => Promise<void> | undefined {
    let sinceMs = performance.now()
    return () => {
      if (performance.now() - sinceMs < this.#turnMs) return undefined
      return nextTurn().then(() => {
        sinceMs = performance.now()
      })
    }
  }
}
