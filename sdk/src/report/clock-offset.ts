import type { ClockReport } from '@syncproof/core/contract'

/** One request to the collector, on this process's clock, and the answer's `Date`. Milliseconds since 1970. */
export interface RoundTrip {
  readonly sentMs: number
  readonly answeredMs: number
  readonly dateMs: number
}

/** A `Date` header is cut to the second, and Node's is renewed once a second: it may be nearly two old. */
const DATE_AGE_MS_MAX = 2_000

/** Clocks drift apart: what was learned before the last so many round trips is forgotten. */
const ROUND_TRIPS_MAX = 60

/** Narrows down the collector's clock minus this one's. Every round trip bounds it from both sides; the true
 *  offset lies in what all bounds share. */
export class ClockOffset {
  #bounds: (readonly [low: number, high: number])[] = []

  add({ sentMs, answeredMs, dateMs }: RoundTrip): void {
    const bound = [dateMs - answeredMs, dateMs + DATE_AGE_MS_MAX - sentMs] as const
    this.#bounds = [...this.#bounds.slice(1 - ROUND_TRIPS_MAX), bound]
    const shared = this.#shared()
    // nothing is shared: one of the clocks was set, and only the newest round trip speaks of the present
    if (shared[0] > shared[1]) this.#bounds = [bound]
  }

  /** Undefined until a round trip was seen. */
  report(): ClockReport | undefined {
    return this.#bounds.length === 0 ? undefined : { offset_ms: this.#shared() }
  }

  #shared(): readonly [number, number] {
    return [Math.max(...this.#bounds.map(([low]) => low)), Math.min(...this.#bounds.map(([, high]) => high))]
  }
}
