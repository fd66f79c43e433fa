import type { ProcessReport, StoredEvent } from '@syncproof/core/contract'
import type { Random } from './plan/random.ts'
import { isWhole, type Round } from './world/stage.ts'

/** What became of a round's events on their way. */
export interface Telemetry {
  readonly name: string
  /** Nothing is missing. */
  readonly whole: boolean
  readonly events: readonly StoredEvent[]
  readonly processes: ReadonlyMap<string, ProcessReport>
}

/** Names of what can befall them. */
export const CHAOS = [
  'drop 10 %',
  'drop 30 %',
  'drop 50 %',
  'duplicates, any order',
  'clocks 5 s apart',
  'cut off',
] as const
export type Chaos = (typeof CHAOS)[number]

export function asSent(round: Round): Telemetry {
  const { events, processes } = round
  return { name: 'all there', whole: isWhole(round), events, processes }
}

export function befallen(round: Round, chaos: Chaos, random: Random): Telemetry {
  const { events, processes } = round
  const made = { name: chaos, processes, whole: false }
  switch (chaos) {
    case 'drop 10 %':
    case 'drop 30 %':
    case 'drop 50 %': {
      const rate = Number(chaos.slice(5, 7)) / 100
      return { ...made, events: events.filter(() => !random.chance(rate)) }
    }
    case 'duplicates, any order':
      return {
        ...made,
        whole: isWhole(round),
        events: shuffled([...events, ...events.filter(() => random.chance(0.1))], random),
      }
    case 'clocks 5 s apart':
      return { ...made, whole: isWhole(round), ...skewed(round, random) }
    case 'cut off':
      return { ...made, events: cutOff(events, random) }
  }
}

/** Every other process has a wall clock that is wrong, and some do not know by how much. */
function skewed({ events, processes }: Round, random: Random): Pick<Telemetry, 'events' | 'processes'> {
  const skews = new Map(
    [...processes.keys()].map((id) => [id, random.chance(0.5) ? random.below(10_001) - 5_000 : 0]),
  )
  return {
    events: events.map((event) => ({ ...event, at: shifted(event.at, skews.get(event.process_id) ?? 0) })),
    processes: new Map(
      [...processes].map(([id, report]) => [id, withSkew(report, skews.get(id) ?? 0, random.chance(0.3))]),
    ),
  }
}

function shifted(at: string, ms: number): string {
  const whole = new Date(Date.parse(at) + ms).toISOString()
  return `${whole.slice(0, 23)}${at.slice(23)}`
}

/** A clock that is ahead by so much is further ahead of the collector's. */
function withSkew(report: ProcessReport, ms: number, isUnknown: boolean): ProcessReport {
  if (isUnknown || !report.clock) return { ...report, clock: undefined }
  const [low, high] = report.clock.offset_ms
  return { ...report, clock: { ...report.clock, offset_ms: [low - ms, high - ms] } }
}

/** One process ended, or its collector was away, in the middle of a batch. */
function cutOff(events: readonly StoredEvent[], random: Random): readonly StoredEvent[] {
  const ids = [...new Set(events.map(({ process_id }) => process_id))]
  const victim = random.pick(ids)
  const own = events.filter(({ process_id }) => process_id === victim).map(({ seq }) => seq)
  const [first, last] = [Math.min(...own), Math.max(...own)]
  const from = first + random.below(last - first + 1)
  const to = random.chance(0.5) ? last : from + random.below(200)
  return events.filter(({ process_id, seq }) => process_id !== victim || seq < from || seq > to)
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items]
  for (let index = left.length - 1; index > 0; index--) {
    const other = random.below(index + 1)
    const [one, two] = [left[index] as T, left[other] as T]
    left[index] = two
    left[other] = one
  }
  return left
}
