import type { EventHorizon, RetentionStore } from '@syncproof/store'
import { collectorLimits } from './limits.ts'

/** What is too old to be taken in. */
export type HorizonReader = (nowMs: number) => Promise<EventHorizon>

/** Reads from the store what is too old, at most every `horizonTtlMs`: what is removed is a day older than what is
 *  refused, so that nothing depends on these seconds. A failure is not remembered.
 *  Rejects with `StoreUnavailableError` while the store does not answer. */
export function horizonReader(retention: Pick<RetentionStore, 'horizon'>): HorizonReader {
  let read: { readonly horizon: Promise<EventHorizon>; readonly untilMs: number } | undefined
  return (nowMs) => {
    if (read !== undefined && nowMs < read.untilMs) return read.horizon
    const horizon = retention.horizon(nowMs)
    const reading = { horizon, untilMs: nowMs + collectorLimits.horizonTtlMs }
    read = reading
    horizon.catch(() => {
      if (read === reading) read = undefined
    })
    return horizon
  }
}
