import type { ProcessHealth } from '@syncproof/store'
import { plural } from '../output/text.ts'
import { type Check, fail, orPass, pass, span, warn } from './check.ts'

/** A process that was silent for so long has sent what it will send. */
const SILENT_MS = 60_000
/** An SDK speaks each ten seconds. */
const LIVE_MS = 60_000
/** What is judged late is found late. */
const LAG_MS_WARN = 60_000
const LAG_MS_MAX = 3_600_000
/** A process this far ahead has its events refused soon: an hour is the limit. */
const AHEAD_MS_MAX = 45 * 60_000
const CLOCK_MS_WARN = 10_000

/** Whether apps report, and what of it is missing. @param processes of the last day */
export function processChecks(processes: readonly ProcessHealth[]): readonly Check[] {
  const name = 'apps'
  const live = processes.filter(({ ended, silentMs }) => !ended && silentMs < LIVE_MS)
  const settled = processes.filter(({ ended, silentMs }) => ended || silentMs >= SILENT_MS)
  const lost = settled.reduce((sum, { unaccounted }) => sum + unaccounted, 0)
  const dropped = new Map<string, number>()
  for (const process of processes)
    for (const [reason, count] of Object.entries(process.dropped))
      if (reason !== 'sampled' && count > 0) dropped.set(reason, (dropped.get(reason) ?? 0) + count)
  const inconsistent = processes.filter((process) => process.inconsistent > 0)
  const reasons = [...dropped]
    .map(([reason, count]) => `${reason} ${count.toLocaleString('en-US')}`)
    .join(', ')
  return orPass(
    [
      processes.length === 0
        ? warn(
            name,
            'No app has reported in the last day.',
            'Start one with SYNCPROOF_URL and SYNCPROOF_API_KEY in its environment.',
          )
        : undefined,
      lost > 0
        ? warn(
            name,
            `${plural(lost, 'event')} of the last day never came: ${namesOf(settled.filter(({ unaccounted }) => unaccounted > 0))}.`,
            'Their processes were killed or cut off: call flush() before they end, or set spoolDir. What is missing only hides findings.',
          )
        : undefined,
      dropped.size > 0
        ? warn(
            name,
            `Apps dropped events in the last day: ${reasons}.`,
            'queue_full: the collector was away or slow. Raise queueBytesMax, or set spoolDir.',
          )
        : undefined,
      inconsistent.length > 0
        ? warn(
            name,
            `Telemetry contradicts itself: ${namesOf(inconsistent)}. Nothing is proven from what such a process did not report.`,
            'Two programs may report as one: a fork, or a copied snapshot. `syncproof explain` shows what contradicts what.',
          )
        : undefined,
    ],
    () =>
      pass(
        name,
        `${plural(live.length, 'process', 'processes')} of ${namesOf(live) || 'no service'} reporting now, nothing missing in the last day.`,
      ),
  )
}

/** Whether the clocks of apps are near the collector's. */
export function clockChecks(processes: readonly ProcessHealth[]): readonly Check[] {
  const apart = processes.flatMap((process) => {
    const [low, high] = process.offsetMs ?? [0, 0]
    // the collector's minus its own: negative where the app is ahead
    const ms = Math.max(0, low) + Math.min(0, high)
    return Math.abs(ms) > CLOCK_MS_WARN ? [{ process, ms }] : []
  })
  const ahead = apart.filter(({ ms }) => ms < -AHEAD_MS_MAX)
  const name = 'app clocks'
  const mend = 'Set them by NTP. Events that are named more than an hour ahead are refused.'
  const text = (some: typeof apart) =>
    some
      .slice(0, 3)
      .map(({ process, ms }) => `${nameOf(process)} ${span(Math.abs(ms))} ${ms < 0 ? 'ahead' : 'behind'}`)
      .join(', ') + (some.length > 3 ? ', …' : '')
  return orPass(
    [
      ahead.length > 0 ? fail(name, `Events will be refused: ${text(ahead)}.`, mend) : undefined,
      apart.length > ahead.length
        ? warn(
            name,
            `Not the collector's time: ${text(apart.filter(({ ms }) => ms >= -AHEAD_MS_MAX))}.`,
            mend,
          )
        : undefined,
    ],
    () =>
      pass(
        name,
        processes.length === 0 ? 'No app has told its clock.' : "Within ten seconds of the collector's.",
      ),
  )
}

/** Whether what is stored is judged. */
export function lagCheck({
  events,
  oldestAgeMs,
}: {
  readonly events: number
  readonly oldestAgeMs: number
}): Check {
  const name = 'detection'
  if (events === 0) return pass(name, 'Everything that is stored has been judged.')
  const what = `${plural(events, 'event')} not judged yet, the oldest for ${span(oldestAgeMs)}.`
  if (oldestAgeMs <= LAG_MS_WARN) return pass(name, what)
  const mend = 'Keep a `syncproof reconciler` running, and look in its log for "a detection step failed".'
  return oldestAgeMs > LAG_MS_MAX ? fail(name, what, mend) : warn(name, what, mend)
}

export function keyCheck(exist: boolean): Check {
  return exist
    ? pass('keys', 'There is a live key.')
    : fail(
        'keys',
        'There is no key: nobody can send or read anything.',
        'Make one: `syncproof keys create --name … --scope ingest`.',
      )
}

function namesOf(processes: readonly ProcessHealth[]): string {
  const names = [...new Set(processes.map(nameOf))]
  return names.slice(0, 3).join(', ') + (names.length > 3 ? `, and ${names.length - 3} more` : '')
}

function nameOf({ service, host }: ProcessHealth): string {
  return host === null ? service : `${service} on ${host}`
}
