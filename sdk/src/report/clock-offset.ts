import type { ClockReport } from '@syncproof/core/contract'

/** One request to the collector and what its answer says of the time. Milliseconds since 1970, but for
 *  `monotonicMs`. */
export interface RoundTrip {
  readonly sentMs: number
  readonly answeredMs: number
  /** This process's monotonic clock at the answer. */
  readonly monotonicMs: number
  /** The collector's clock while it answered: at least this, and less than `precisionMs` more. */
  readonly collectorMs: number
  readonly precisionMs: number
  /** How often this process's wall clock had jumped. */
  readonly jumps: number
}

/** Two clocks that nobody corrects drift apart by about so much: 100 microseconds a second. */
const DRIFT_RATIO_MAX = 1e-4

/** Old round trips are forgotten: drift has made them say next to nothing. */
const ROUND_TRIPS_MAX = 60

interface Bound {
  readonly low: number
  readonly high: number
  readonly monotonicMs: number
}

/** Narrows down the collector's clock minus this one's. Every round trip bounds it from both sides; the true
 *  offset lies in what all bounds share, each widened by the drift since. */
export class ClockOffset {
  #bounds: Bound[] = []
  #jumps = 0

  add({ sentMs, answeredMs, monotonicMs, collectorMs, precisionMs, jumps }: RoundTrip): void {
    // the wall clock was set: what was known of it is of another clock
    const known = jumps === this.#jumps ? this.#bounds.slice(1 - ROUND_TRIPS_MAX) : []
    this.#jumps = jumps
    const bound = { low: collectorMs - answeredMs, high: collectorMs + precisionMs - sentMs, monotonicMs }
    this.#bounds = [...known, bound]
    const [low, high] = this.#shared()
    // nothing is shared: the collector's clock was set, and only the newest round trip speaks of the present
    if (low > high) this.#bounds = [bound]
  }

  /** Undefined until a round trip was seen. */
  report(): ClockReport | undefined {
    return this.#bounds.length === 0 ? undefined : { offset_ms: this.#shared() }
  }

  #shared(): readonly [number, number] {
    const newestMs = this.#bounds.at(-1)?.monotonicMs ?? 0
    const driftMs = (bound: Bound) => (newestMs - bound.monotonicMs) * DRIFT_RATIO_MAX
    return [
      Math.max(...this.#bounds.map((bound) => bound.low - driftMs(bound))),
      Math.min(...this.#bounds.map((bound) => bound.high + driftMs(bound))),
    ]
  }
}
