import { InvalidCursorError } from './errors.ts'
import type { Page } from './store.ts'

/** What a part of a keyset cursor must look like, so that a forged one never reaches a cast in SQL. */
export const cursorParts = {
  time: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/,
  uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  text: /^[^\0]*$/,
} as const

/** The text of a cursor: the sort key of the last item of a page. */
export function encodeCursor(parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url')
}

/** The sort key that a cursor stands for, or undefined without one.
 *  @throws InvalidCursorError for text that `encodeCursor` never made with parts of these shapes */
export function decodeCursor(
  cursor: string | undefined,
  shapes: readonly RegExp[],
): readonly string[] | undefined {
  if (cursor === undefined) return undefined
  const parts = parseParts(cursor)
  const fits =
    parts !== undefined &&
    parts.length === shapes.length &&
    shapes.every((shape, index) => shape.test(parts[index] ?? '')) &&
    encodeCursor(parts) === cursor
  if (!fits) throw new InvalidCursorError()
  return parts
}

/** A page of `limit` items out of up to `limit + 1` rows: the one too many says that there is a next page. */
export function toPage<Row, T>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => T,
  sortKey: (row: Row) => readonly string[],
): Page<T> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next = rows.length > limit && last !== undefined ? encodeCursor(sortKey(last)) : null
  return { items: shown.map(toItem), next_cursor: next }
}

function parseParts(cursor: string): string[] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(parts) && parts.every((part) => typeof part === 'string') ? parts : undefined
  } catch {
    return undefined
  }
}
