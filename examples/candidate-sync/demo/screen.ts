import { styleText } from 'node:util'
import type { Figures, Score } from './score.ts'

const COLUMNS_MAX = 80
const COLUMNS_MIN = 40
/** Below this a row of the table takes two lines. */
const TABLE_COLUMNS_MIN = 66

export interface Screen {
  readonly columns: number
  /** A paragraph, wrapped between words. Further lines stand `indent` deeper than the first. */
  say(text: string, indent?: number): void
  heading(text: string): void
  /** As it is, so that a command can be copied. */
  line(text: string): void
  /** Names and what stands beside them; below them on a narrow terminal. */
  pairs(rows: readonly (readonly [name: string, text: string])[]): void
  blank(): void
}

export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export function createScreen(
  stream: OutputStream,
  env: Readonly<Record<string, string | undefined>>,
): Screen {
  const columns = Math.max(COLUMNS_MIN, Math.min(stream.columns ?? COLUMNS_MAX, COLUMNS_MAX))
  const coloured = stream.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
  const bold = (text: string) => (coloured ? styleText('bold', text, { validateStream: false }) : text)
  const line = (text: string) => void stream.write(`${text}\n`)
  const screen: Screen = {
    columns,
    say: (text, indent = 0) => wrap(text, columns, indent).forEach(line),
    heading(text) {
      line('')
      for (const part of wrap(text, columns, 0)) line(bold(part))
    },
    line,
    pairs(rows) {
      const width = Math.max(...rows.map(([name]) => name.length))
      for (const [name, text] of rows) screen.say(`  ${name.padEnd(width)}  ${text}`, width + 4)
    },
    blank: () => line(''),
  }
  return screen
}

/** Lines of at most `columns`; a word that is longer stands alone. Leading blanks of the text are kept. */
export function wrap(text: string, columns: number, indent: number): readonly string[] {
  const lines: string[] = []
  let current = ''
  for (const part of text.match(/^ +|\S+ */g) ?? []) {
    if (current.trim() !== '' && (current + part).trimEnd().length > columns) {
      lines.push(current.trimEnd())
      current = ' '.repeat(indent)
    }
    current += part
  }
  return [...lines, current.trimEnd()]
}

const HEADERS = ['happened', 'found', 'missed', 'false'] as const

/** What happened beside what was found. */
export function scoreTable(score: Score, columns: number): readonly string[] {
  const rows: readonly (readonly [string, Figures])[] = [
    ...Object.entries(score.findings),
    ['named in the report', score.report],
  ]
  const width = Math.max(...rows.map(([label]) => label.length))
  if (columns < TABLE_COLUMNS_MIN)
    return rows.flatMap(([label, figures]) => [
      label,
      `  ${HEADERS.map((header) => `${header} ${figures[header]}`).join('  ')}`,
    ])
  const cells = (texts: readonly string[]) =>
    texts.map((text, index) => text.padStart((HEADERS[index]?.length ?? 0) + 2)).join('')
  return [
    `  ${''.padEnd(width)}${cells(HEADERS)}`,
    ...rows.map(
      ([label, figures]) =>
        `  ${label.padEnd(width)}${cells(HEADERS.map((header) => String(figures[header])))}`,
    ),
  ]
}
