import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatToken, isToken, NO_ROW, parseToken, type TokenParts, tokensComparable } from './token.ts'

const parts: TokenParts = {
  kind: 'xmin',
  database: '7381/app',
  table: 'public.candidates',
  key: 'c/17',
  value: '42',
}

test('every token can be read back, whatever its parts contain', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  fc.assert(
    fc.property(
      fc.record({
        kind: text,
        database: text,
        table: text,
        key: fc.string({ unit: 'grapheme' }),
        value: text,
      }),
      (any) => {
        expect(parseToken(formatToken(any))).toEqual(any)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a part with a lone surrogate still makes a token', () => {
  expect(isToken(formatToken({ ...parts, key: '\ud800' }))).toBe(true)
})

test.each([
  NO_ROW,
  '',
  '42',
  'a/b/c/d',
  'a/b/c/d/e/f',
  '//a/b/1',
  'a/b/c/d/',
  '%/a/b/c/1',
  'xmin/d/t/%61/1',
  'xmin/d%2ft/t/k/1',
])('%j is not a token: another spelling would be another version', (text) => {
  expect(parseToken(text)).toBeUndefined()
})

test('only versions of one row, seen in one way, can be compared', () => {
  const token = formatToken(parts)
  expect(tokensComparable(token, formatToken({ ...parts, value: '43' }))).toBe(true)
  for (const part of ['kind', 'database', 'table', 'key'] as const)
    expect(tokensComparable(token, formatToken({ ...parts, [part]: 'other' }))).toBe(false)
  expect(tokensComparable(NO_ROW, NO_ROW)).toBe(false)
})
