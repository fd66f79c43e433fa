/** Control characters, characters that reorder what is shown, and line separators. */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/gu

/** Text from an app or a sink as one line of at most so many characters: it goes to pagers, chats and logs. */
export function lineOf(text: string, lengthMax: number): string {
  // cut before anything else: it may be a megabyte, and twice the length is enough for what is taken out
  const line = text
    .slice(0, 2 * lengthMax)
    .toWellFormed()
    .replace(UNSAFE, ' ')
    .trim()
  if (line.length <= lengthMax && text.length <= 2 * lengthMax) return line
  return `${line.slice(0, lengthMax - 1).toWellFormed()}…`
}
