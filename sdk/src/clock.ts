/** One instant on both clocks of this process, in microseconds. */
export interface Moment {
  /** Since 1970, UTC. */
  readonly wallUs: number
  readonly monotonicUs: number
}

/** Beyond this the wall clock was set, or the machine slept: the interval around it must look like a jump. */
const DRIFT_MS_MAX = 10

/** How long a jump may go unseen: looking at both clocks each time would double the price of an instant. */
const LOOK_INTERVAL_MS = 1

let anchorMs = performance.timeOrigin
let lookedMs = Number.NEGATIVE_INFINITY
let jumps = 0

/** The present instant. The wall time has the resolution of the monotonic clock and follows the system's. */
export function now(): Moment {
  const monotonicMs = performance.now()
  if (monotonicMs - lookedMs >= LOOK_INTERVAL_MS) look(monotonicMs)
  return {
    wallUs: Math.floor((anchorMs + monotonicMs) * 1000),
    monotonicUs: Math.floor(monotonicMs * 1000),
  }
}

function look(monotonicMs: number): void {
  const systemMs = Date.now()
  lookedMs = monotonicMs
  // Date.now() is cut to the millisecond: half of one is its mean error
  if (Math.abs(systemMs + 0.5 - (anchorMs + monotonicMs)) <= DRIFT_MS_MAX) return
  anchorMs = systemMs - monotonicMs
  jumps += 1
}

/** How often the wall clock was seen to jump against the monotonic one. Between two instants with a jump
 *  between them, `wallUs` and `monotonicUs` differ by different amounts: that marks it in the events. */
export function clockJumps(): number {
  return jumps
}

const SECOND_US = 1_000_000

// most instants are of the second before them: its text is made once
let second = Number.NaN
let secondText = ''

/** RFC 3339 with microseconds, UTC. */
export function formatInstant(wallUs: number): string {
  const seconds = Math.floor(wallUs / SECOND_US)
  if (seconds !== second) {
    secondText = new Date(seconds * 1000).toISOString().slice(0, 20)
    second = seconds
  }
  return `${secondText}${String(wallUs - seconds * SECOND_US + SECOND_US).slice(1)}Z`
}

/** `at` and `monotonic_us` of an event. */
export function stamp(moment: Moment): { at: string; monotonic_us: number } {
  return { at: formatInstant(moment.wallUs), monotonic_us: moment.monotonicUs }
}

/** Whole microseconds since `moment`. */
export function elapsedUs(moment: Moment): number {
  return Math.max(0, Math.floor(performance.now() * 1000) - moment.monotonicUs)
}
