import { isMadeOfSpans, type StoredEvent } from '../contract/index.ts'

/** Clocks of two processes may differ by this much where nothing better is known of them. */
const CLOCK_MARGIN_MS = 10_000

/** A point in time, on the clocks of the process that saw it. */
export type Moment = Pick<StoredEvent, 'process_id' | 'monotonic_us' | 'at'>

/** When the answer to it had come. */
export function momentAfter(event: StoredEvent): Moment {
  const durationUs = 'duration_us' in event ? (event.duration_us ?? 0) : 0
  return {
    process_id: event.process_id,
    monotonic_us: event.monotonic_us + durationUs,
    at: new Date(Date.parse(event.at) + durationUs / 1000).toISOString(),
  }
}

/** Whether the event was surely sent at the moment or after it. */
export function isAfter(event: StoredEvent, moment: Moment): boolean {
  const isOneClock = event.process_id === moment.process_id && !isMadeOfSpans(event.process_id)
  if (isOneClock) return event.monotonic_us >= moment.monotonic_us
  return Date.parse(event.at) > Date.parse(moment.at) + CLOCK_MARGIN_MS
}
