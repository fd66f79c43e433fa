import type { MinuteBooks } from './store.ts'

/** What a process had said at the end of a minute, since it began. */
export interface MinuteTotals {
  /** RFC 3339. */
  readonly minute: string
  readonly produced: number
  readonly stored: number
  readonly dropped: Readonly<Record<string, number>>
}

/** Closes the books of a process minute by minute: in each,
 *  in flight before + produced = stored + dropped + unaccounted + in flight after.
 *
 *  What was on its way at the end of a minute and came later was in flight, what never came is unaccounted from that minute
 *  on. That is known only afterwards: of a minute, as much as was missing at its end and at the end of every later one.
 *  @param base before the first of these; undefined where the process began in it
 *  @param minutes ascending
 *  @param unaccounted of the whole process, as it is known now: more than that is nowhere */
export function closeBooks(
  base: MinuteTotals | undefined,
  minutes: readonly MinuteTotals[],
  unaccounted: number,
): readonly MinuteBooks[] {
  const all = base ? [base, ...minutes] : minutes
  const lost = lostUntil(all, unaccounted)
  const offset = base ? 1 : 0
  return minutes.map((own, place) => {
    const before = all[place + offset - 1]
    const lostBefore = lost[place + offset - 1] ?? 0
    const lostNow = lost[place + offset] ?? 0
    return {
      minute: own.minute,
      produced: own.produced - (before?.produced ?? 0),
      stored: own.stored - (before?.stored ?? 0),
      dropped: difference(own.dropped, before?.dropped ?? {}),
      in_flight: missingIn(own) - lostNow,
      unaccounted: lostNow - lostBefore,
    }
  })
}

/** For each minute, how much of what is unaccounted had been produced by its end. */
function lostUntil(minutes: readonly MinuteTotals[], unaccounted: number): readonly number[] {
  let least = unaccounted
  const backwards = minutes.toReversed().map((minute) => {
    least = Math.min(least, missingIn(minute))
    return least
  })
  return backwards.reverse()
}

/** Events that were stored under a number that another one has make it look as if less was missing. */
export function missingIn({ produced, stored, dropped }: Omit<MinuteTotals, 'minute'>): number {
  return Math.max(0, produced - stored - sum(dropped))
}

export function sum(dropped: Readonly<Record<string, number>>): number {
  return Object.values(dropped).reduce((total, count) => total + count, 0)
}

/** By reason; those that did not grow are left out. */
function difference(
  now: Readonly<Record<string, number>>,
  before: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(now).flatMap(([reason, count]) => {
      const more = count - (before[reason] ?? 0)
      return more > 0 ? [[reason, more]] : []
    }),
  )
}
