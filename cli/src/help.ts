import type { CommandSpec } from './command.ts'
import type { Paint } from './output/terminal.ts'
import { padEnd, wrap } from './output/text.ts'

/** Help is wrapped also where it is piped. */
const COLUMNS_MAX = 100
const ALONGSIDE_COLUMNS_MIN = 60

const EXIT_CODES = [
  ['0', 'clean'],
  ['1', 'findings, or a divergence'],
  ['2', 'wrong command line or configuration'],
  ['3', 'could not compare, or not reach what is needed'],
  ['4', 'compared in part: undecided or unread records'],
] as const

export function overview(commands: readonly CommandSpec[], paint: Paint, columns: number): string {
  return [
    paint('bold', 'syncproof COMMAND [options]'),
    '',
    ...wrap(
      'Finds where your database and the systems it syncs with have silently stopped agreeing.',
      width(columns),
    ),
    '',
    ...table(
      commands.map((command) => [usageOf(command), command.summary]),
      columns,
    ),
    '',
    paint('bold', 'Exit codes'),
    ...table(EXIT_CODES, columns),
    '',
    ...wrap(
      '`syncproof help COMMAND` lists its options, with the variable of each in brackets. A variable can come from a file: NAME_FILE names one that holds it. Start with `syncproof dev`.',
      width(columns),
    ),
  ].join('\n')
}

export function commandHelp(command: CommandSpec, paint: Paint, columns: number): string {
  const options = Object.entries(command.options).map(([name, option]) => {
    const label = `--${name}${option.value === undefined ? '' : ` ${option.value}`}`
    return [label, option.env === undefined ? option.help : `${option.help} [${option.env}]`] as const
  })
  return [
    paint('bold', `syncproof ${usageOf(command)} [options]`),
    '',
    ...wrap(`${command.summary}.`, width(columns)),
    ...(command.notes ?? []).flatMap((note) => ['', ...wrap(note, width(columns))]),
    '',
    ...table(options, columns),
  ].join('\n')
}

function usageOf(command: CommandSpec): string {
  return [command.name, ...command.positionals].join(' ')
}

/** Two columns side by side; on a narrow terminal the second one below the first. */
function table(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const left = Math.max(...rows.map(([label]) => label.length)) + 4
  if (width(columns) < ALONGSIDE_COLUMNS_MIN) {
    return rows.flatMap(([label, text]) => [
      `  ${label}`,
      ...wrap(text, width(columns) - 6).map((line) => `      ${line}`),
    ])
  }
  return rows.flatMap(([label, text]) =>
    wrap(text, width(columns) - left).map(
      (line, index) => padEnd(index === 0 ? `  ${label}` : '', left) + line,
    ),
  )
}

function width(columns: number): number {
  return Math.min(columns, COLUMNS_MAX)
}
