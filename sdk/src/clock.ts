/** One instant on both clocks of this process, in microseconds. */
export interface Moment {
  /** Since 1970, UTC. */
  readonly wallUs: number
  readonly monotonicUs: number
}

/** Beyond this the wall clock was set, or the machine slept: the interval around it must look like a jump. */
const DRIFT_MS_MAX = 10

let anchorMs = performance.timeOrigin
let jumps = 0

/** The present instant. The wall time has the resolution of the monotonic clock and follows the system's. */
export function now(): Moment {
  const monotonicMs = performance.now()
  const systemMs = Date.now()
  // Date.now() is cut to the millisecond: half of one is its mean error
  if (Math.abs(systemMs + 0.5 - (anchorMs + monotonicMs)) > DRIFT_MS_MAX) {
    anchorMs = systemMs - monotonicMs
    jumps += 1
  }
  return {
    wallUs: Math.floor((anchorMs + monotonicMs) * 1000),
    monotonicUs: Math.floor(monotonicMs * 1000),
  }
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
  return `${secondText}${String(wallUs - seconds * SECOND_US).padStart(6, '0')}Z`
}

/** `at` and `monotonic_us` of an event. */
export function stamp(moment: Moment): { at: string; monotonic_us: number } {
  return { at: formatInstant(moment.wallUs), monotonic_us: moment.monotonicUs }
}

/** Whole microseconds since `moment`. */
export function elapsedUs(moment: Moment): number {
  return Math.max(0, Math.floor(performance.now() * 1000) - moment.monotonicUs)
}
