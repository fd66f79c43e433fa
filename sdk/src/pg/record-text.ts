import type { Values } from './sql.ts'

export type TextParser = (text: string) => unknown

const OPEN = 0x28
const CLOSE = 0x29
const COMMA = 0x2c
const QUOTE = 0x22

/** A record as PostgreSQL writes it: `(c1,Ann,,"2026-01-01 00:00:00+00")`. Nothing between two commas is null; a
 *  quoted value has its quotes and backslashes doubled. Each value is the text that the driver would have been sent of
 *  the column alone.
 *  @param parsers of the columns, by place; what they throw is not the app's
 *  @returns undefined where the text is not of as many columns as there are names, or cannot be read */
export function readRecord(
  text: string,
  names: readonly string[],
  parsers: readonly TextParser[] | undefined,
): Values | undefined {
  if (text.charCodeAt(0) !== OPEN || parsers?.length !== names.length) return undefined
  const values: Record<string, unknown> = {}
  let place = 1
  try {
    for (let index = 0; index < names.length; index += 1) {
      const end = endOf(text, place)
      // after the last one stands the bracket, after each other one a comma
      const isLast = index === names.length - 1
      if (text.charCodeAt(end) !== (isLast ? CLOSE : COMMA) || (isLast && end !== text.length - 1))
        return undefined
      const parse = parsers[index] as TextParser
      values[names[index] as string] = end === place ? null : parse(valueIn(text, place, end))
      place = end + 1
    }
  } catch {
    return undefined
  }
  return values
}

/** The place behind the value that begins at this one. */
function endOf(text: string, start: number): number {
  let isQuoted = false
  for (let place = start; place < text.length; place += 1) {
    const code = text.charCodeAt(place)
    // of two in a row the second one opens again what the first one closed
    if (code === QUOTE) isQuoted = !isQuoted
    else if (!isQuoted && (code === COMMA || code === CLOSE)) return place
  }
  return text.length
}

function valueIn(text: string, start: number, end: number): string {
  if (text.charCodeAt(start) !== QUOTE) return text.slice(start, end)
  const inside = text.slice(start + 1, end - 1)
  return inside.includes('"') || inside.includes('\\') ? inside.replace(/(["\\])\1/g, '$1') : inside
}
