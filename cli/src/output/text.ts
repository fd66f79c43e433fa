/** Text of records, ids and messages, made safe to print and fitted to a terminal's width. */

/** Control characters, characters that reorder what is shown, line separators and lone surrogates: data that
 *  could move the cursor, fake a line or recolour the screen. */
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
/** What takes two columns: most emoji, CJK and fullwidth forms. */
const WIDE =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\uff01-\uff60]/u
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Escapes what a terminal would obey instead of show. */
export function printable(data: string): string {
  return data.replace(UNSAFE, (unsafe) => NAMED[unsafe] ?? `\\u{${unsafe.codePointAt(0)?.toString(16)}}`)
}

/** Columns that the text takes; it must be printable and without colour. */
export function displayWidth(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += WIDE.test(segment) ? 2 : 1
  return width
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)))
}

/** Breaks text between words into lines of at most `width` columns; a word that is longer is broken within. */
export function wrap(text: string, width: number): string[] {
  if (!Number.isFinite(width)) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((long) => pieces(long, width))) {
    const longer = line === '' ? word : `${line} ${word}`
    if (displayWidth(longer) <= width) {
      line = longer
    } else {
      lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}

/** Wraps and puts `indent` spaces before every line. */
export function wrapIndented(text: string, width: number, indent: number): string[] {
  return wrap(text, Math.max(WRAP_COLUMNS_MIN, width - indent)).map((line) => ' '.repeat(indent) + line)
}

/** `2 findings`, `1 finding`. */
export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : nouns}`
}

/** Narrower than this, wrapping makes text unreadable: the terminal breaks the lines itself. */
const WRAP_COLUMNS_MIN = 20

function pieces(word: string, width: number): string[] {
  if (displayWidth(word) <= width) return [word]
  const parts: string[] = []
  let part = ''
  for (const { segment } of graphemes.segment(word)) {
    if (displayWidth(part + segment) > width) {
      parts.push(part)
      part = ''
    }
    part += segment
  }
  return [...parts, part]
}
