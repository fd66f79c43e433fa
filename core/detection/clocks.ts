import { isMadeOfSpans, type ProcessReport } from '../contract/index.ts'

/** A point in time, on the clocks of the process that saw it. */
export class Instant {
  readonly process: ProcessReport
  readonly monotonicUs: number
  readonly #at: string
  readonly #afterUs: number
  #wallMs: number | undefined

  /** @param afterUs how long after the event it was, by the monotonic clock: an answer has no time of its own */
  constructor(
    process: ProcessReport,
    event: { readonly at: string; readonly monotonic_us: number },
    afterUs = 0,
  ) {
    this.process = process
    this.monotonicUs = event.monotonic_us + afterUs
    this.#at = event.at
    this.#afterUs = afterUs
  }

  /** By the process's wall clock, milliseconds since 1970; NaN where it is not readable. Texts take long to read, and
   *  most are never asked for: one process has its monotonic clock. */
  get wallMs(): number {
    this.#wallMs ??= Date.parse(this.#at) + this.#afterUs / 1_000
    return this.#wallMs
  }
}

/** How far one instant surely was before another, and what says so. */
export interface Gap {
  readonly us: number
  /** `monotonic`: one clock that is never set. `wall`: two clocks, each within what its process reported of it, or the
   *  one of a process that is made of spans. */
  readonly basis: 'monotonic' | 'wall'
}

/** An interval in which the wall clock and the monotonic one went apart by more than this was spanned by a jump. */
const JUMP_US_MAX = 1_000

/** Why nothing that rests on two wall clocks is proven. */
export const WALL_CLOCK_DOUBT =
  'The order rests on wall clocks, and nothing says that none was set in between.'

/** `at` is read to the millisecond. */
const READING_US = 1_000

/** Undefined where `earlier` may not have been before `later`, or nobody knows. Clocks of two processes are compared
 *  only as intervals, each widened by what the process does not know of its own clock. */
export function gapBetween(earlier: Instant, later: Instant): Gap | undefined {
  if (earlier.process.id === later.process.id) {
    const us = later.monotonicUs - earlier.monotonicUs
    return us > 0 ? { us, basis: isMadeOfSpans(earlier.process.id) ? 'wall' : 'monotonic' } : undefined
  }
  const latest = onCollector(earlier)
  const soonest = onCollector(later)
  if (!latest || !soonest) return undefined
  const us = soonest.low - latest.high - READING_US
  return us > 0 ? { us, basis: 'wall' } : undefined
}

/** Whether the wall clock was set between two instants of one process. */
export function wasSetBetween(a: Instant, b: Instant): boolean {
  const wallUs = (b.wallMs - a.wallMs) * 1_000
  return !(Math.abs(wallUs - (b.monotonicUs - a.monotonicUs)) <= JUMP_US_MAX + READING_US)
}

/** What rests on wall clocks somewhere rests on them as a whole. */
export function weakerBasis(...gaps: readonly Gap[]): Gap['basis'] {
  return gaps.some(({ basis }) => basis === 'wall') ? 'wall' : 'monotonic'
}

function onCollector({ process, wallMs }: Instant): { low: number; high: number } | undefined {
  if (!process.clock) return undefined
  const [low, high] = process.clock.offset_ms
  return Number.isFinite(wallMs + low + high)
    ? { low: (wallMs + low) * 1_000, high: (wallMs + high) * 1_000 }
    : undefined
}
