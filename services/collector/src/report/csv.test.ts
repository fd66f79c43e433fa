import { expect, test } from 'vitest'
import { csvLine } from './csv.ts'

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '＝1'])(
  'a cell that starts as a formula does is inert: %j',
  (cell) => {
    expect(csvLine([cell]).replace(/^"/, '')).toMatch(/^'/)
  },
)

test('commas, quote marks and line ends stay in their cell', () => {
  expect(csvLine(['a,b', 'say "x"', 'two\nlines', 'plain', null])).toBe(
    '"a,b","say ""x""","two\nlines",plain,\r\n',
  )
})
