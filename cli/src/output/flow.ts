import type { Paint, Style } from './terminal.ts'
import { displayWidth, wrap } from './text.ts'

/** Printable text, coloured as a whole. */
export interface Part {
  readonly text: string
  readonly style?: Style
}

export interface Flow {
  readonly columns: number
  readonly paint: Paint
  /** Spaces before the first line. */
  readonly indent: number
  /** Spaces before the following lines. */
  readonly hanging: number
  /** Between two parts on a line. */
  readonly separator?: string
}

const WIDTH_MIN = 16

/** Sets parts one after the other, on as many lines as the terminal's width asks for. A part moves to the next
 *  line as a whole, and is broken only where it is longer than a line. */
export function flow(parts: readonly Part[], layout: Flow): string[] {
  const { columns, paint, indent, hanging, separator = '  ' } = layout
  const room = (line: number) => Math.max(WIDTH_MIN, columns - (line === 0 ? indent : hanging))
  const lines: string[] = []
  let line = ''
  let used = 0
  const end = () => {
    lines.push(' '.repeat(lines.length === 0 ? indent : hanging) + line)
    line = ''
    used = 0
  }
  for (const { text, style } of parts.filter((part) => part.text !== '')) {
    const coloured = (piece: string) => (style === undefined ? piece : paint(style, piece))
    const width = displayWidth(text)
    const separated = used === 0 ? 0 : separator.length
    if (used > 0 && used + separated + width > room(lines.length)) end()
    if (used > 0) {
      line += separator
      used += separator.length
    }
    const [first = '', ...rest] = wrap(text, room(lines.length))
    line += coloured(first)
    used += displayWidth(first)
    for (const piece of rest) {
      end()
      line = coloured(piece)
      used = displayWidth(piece)
    }
  }
  if (used > 0 || lines.length === 0) end()
  return lines
}
