import type { SectionRow } from '@syncproof/store'
import { EXIT, type ExitCode } from '../command.ts'
import { flow } from './flow.ts'
import type { Paint, Style } from './terminal.ts'
import { plural, printable } from './text.ts'
import { clockTime } from './time.ts'

type State = 'did not hold' | 'held' | 'checked in part' | 'not checked'

const STYLES: Readonly<Record<State, Style>> = {
  'did not hold': 'red',
  held: 'green',
  'checked in part': 'yellow',
  'not checked': 'yellow',
}

/** What is known of a section's lock. It held only where every run was told and checked, and nothing speaks against it. */
function sectionState({ entered, held, not_held, void: ways, events_missing }: SectionRow): State {
  if (not_held > 0 || ways.foreign_version > 0 || ways.overlap > 0 || ways.holds_nothing > 0)
    return 'did not hold'
  if (held === 0) return 'not checked'
  return held === entered && ways.undecided === 0 && events_missing === 0 ? 'held' : 'checked in part'
}

/** What sections say as an exit code. One that nobody checked is never clean, and neither is a list that is empty or
 *  not whole. */
export function sectionsExit(sections: readonly SectionRow[], more: boolean): ExitCode {
  const states = sections.map(sectionState)
  if (states.includes('did not hold')) return EXIT.found
  if (states.every((state) => state === 'not checked')) return EXIT.unable
  return more || states.some((state) => state !== 'held') ? EXIT.partial : EXIT.clean
}

/** Releases of one section of one service stand together, the newest first. */
export function inOrder(sections: readonly SectionRow[]): readonly SectionRow[] {
  const key = ({ name, service }: SectionRow) => [name, service]
  return sections.toSorted((a, b) => {
    const [[name, service], [otherName, otherService]] = [key(a), key(b)]
    return name === otherName ? compare(service, otherService) : compare(name, otherName)
  })
}

/** One section in one release as lines for people. */
export function sectionLines(section: SectionRow, paint: Paint, columns: number): string[] {
  const { name, service, release, protections, entered, held, not_held, unknown } = section
  const missing = section.events_missing
  const state = sectionState(section)
  const layout = { columns, paint, indent: 0, hanging: 2 }
  const below = { ...layout, indent: 2 }
  return [
    ...flow(
      [
        { text: printable(name), style: 'bold' },
        { text: printable(release === null ? service : `${service} ${release}`) },
        { text: state, style: STYLES[state] },
        { text: printable(protections.join(', ')), style: 'dim' },
      ],
      layout,
    ),
    ...flow(
      [
        { text: plural(entered, 'run') },
        { text: `${count(held)} held` },
        { text: `${count(not_held)} held nothing` },
        { text: `${count(unknown)} not checked` },
        { text: missing === 0 ? '' : `of this release ${plural(missing, 'event')} missing` },
      ],
      below,
    ),
    ...voidLines(section, below),
    ...flow(
      [
        { text: `first seen ${clockTime(section.first_seen_at)}`, style: 'dim' },
        { text: `last ${clockTime(section.last_seen_at)}`, style: 'dim' },
      ],
      below,
    ),
  ]
}

function voidLines({ void: ways }: SectionRow, layout: Parameters<typeof flow>[1]): string[] {
  const found = [
    [ways.holds_nothing, 'holds-nothing'],
    [ways.foreign_version, 'foreign-version'],
    [ways.overlap, 'overlap'],
    [ways.undecided, 'undecided'],
  ] as const
  const shown = found
    .filter(([times]) => times > 0)
    .map(([times, way]) => ({ text: `${count(times)} ${way}` }))
  return shown.length === 0 ? [] : flow([{ text: 'lock-void findings:' }, ...shown], layout)
}

function count(number: number): string {
  return number.toLocaleString('en-US')
}

function compare(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0
}
