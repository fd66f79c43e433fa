import type { MinuteBooks, ProcessRow } from '@syncproof/store'
import { EXIT, type ExitCode } from '../command.ts'
import { flow, type Part } from './flow.ts'
import type { Paint, Style } from './terminal.ts'
import { printable } from './text.ts'
import { clockTime } from './time.ts'

type State =
  | 'all accounted for'
  | 'nothing missing so far'
  | 'events are missing'
  | 'contradicts itself'
  | 'made of spans: counts nothing'

const STYLES: Readonly<Record<State, Style>> = {
  'all accounted for': 'green',
  'nothing missing so far': 'dim',
  'events are missing': 'red',
  'contradicts itself': 'yellow',
  'made of spans: counts nothing': 'yellow',
}

/** What may be concluded from what a process did not report: something only where all is accounted for. */
function processState({ in_flight, unaccounted, inconsistent }: ProcessRow): State {
  if (unaccounted === null) return 'made of spans: counts nothing'
  if (unaccounted > 0) return 'events are missing'
  if (inconsistent > 0) return 'contradicts itself'
  // told of, and maybe on its way
  return (in_flight ?? 0) > 0 ? 'nothing missing so far' : 'all accounted for'
}

/** A list that is empty, or of which some is not told, is never clean. */
export function processesExit(processes: readonly ProcessRow[], more: boolean): ExitCode {
  if (processes.length === 0) return EXIT.unable
  const clean: readonly State[] = ['all accounted for', 'nothing missing so far']
  return more || processes.some((process) => !clean.includes(processState(process)))
    ? EXIT.partial
    : EXIT.clean
}

/** One process as lines for people. */
export function processLines(process: ProcessRow, paint: Paint, columns: number): string[] {
  const { id, service, release, host, ended, inconsistent } = process
  const state = processState(process)
  const below = { columns, paint, indent: 2, hanging: 4 }
  return [
    ...flow(
      [
        { text: printable(release === null ? service : `${service} ${release}`), style: 'bold' },
        { text: host === null ? '' : printable(host) },
        { text: state, style: STYLES[state] },
        { text: ended ? 'ended' : '', style: 'dim' },
      ],
      { columns, paint, indent: 0, hanging: 2 },
    ),
    ...flow(
      [
        ...booksParts(process),
        ...(inconsistent === 0
          ? []
          : [{ text: `${count(inconsistent)} inconsistent`, style: 'yellow' as const }]),
      ],
      below,
    ),
    ...flow(
      [
        { text: printable(id), style: 'dim' },
        { text: `first seen ${clockTime(process.first_seen_at)}`, style: 'dim' },
        { text: `last ${clockTime(process.last_seen_at)}`, style: 'dim' },
      ],
      below,
    ),
  ]
}

/** One minute of a process. */
export function minuteLines(minute: MinuteBooks, paint: Paint, columns: number): string[] {
  return flow([{ text: clockTime(minute.minute), style: 'dim' }, ...booksParts(minute)], {
    columns,
    paint,
    indent: 0,
    hanging: 2,
  })
}

type Books = Pick<ProcessRow, 'produced' | 'stored' | 'dropped' | 'in_flight' | 'unaccounted'>

function booksParts({ produced, stored, dropped, in_flight, unaccounted }: Books): Part[] {
  const reasons = Object.entries(dropped).filter(([, times]) => times > 0)
  return [
    { text: produced === null ? '' : `${count(produced)} produced` },
    { text: `${count(stored)} stored` },
    ...reasons.map(([reason, times]) => ({ text: `${count(times)} dropped: ${printable(reason)}` })),
    { text: in_flight === null ? '' : `${count(in_flight)} in flight` },
    unaccounted === null
      ? { text: '' }
      : unaccounted > 0
        ? { text: `${count(unaccounted)} unaccounted`, style: 'red' }
        : { text: '0 unaccounted' },
  ]
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}
