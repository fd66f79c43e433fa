import { expect, it } from 'vitest'
import { cursorParts, decodeCursor, encodeCursor, toPage } from './cursor.ts'
import { InvalidCursorError } from './errors.ts'

const shapes = [cursorParts.time, cursorParts.text]
const key = ['2026-11-20T12:00:00.000001Z', 'f_1 "é"']

it('a cursor comes back as the sort key that it was made of', () => {
  expect(decodeCursor(encodeCursor(key), shapes)).toEqual(key)
  expect(decodeCursor(undefined, shapes)).toBeUndefined()
})

it.each([
  '',
  'null',
  '%%%',
  encodeCursor(['2026-11-20', 'f_1']),
  encodeCursor([...key, 'more']),
  encodeCursor([key[0] ?? '', 'nul \0']),
  `${encodeCursor(key)}=`,
])('text that is no cursor is refused: %j', (text) => {
  expect(() => decodeCursor(text, shapes)).toThrow(InvalidCursorError)
})

it('the last page has no cursor', () => {
  const page = (rows: readonly string[]) =>
    toPage(
      rows,
      2,
      (row) => row,
      (row) => [row],
    )
  expect(page(['a', 'b'])).toEqual({ items: ['a', 'b'], next_cursor: null })
  expect(page(['a', 'b', 'c'])).toEqual({ items: ['a', 'b'], next_cursor: encodeCursor(['b']) })
  expect(page([])).toEqual({ items: [], next_cursor: null })
})
