import { expect, it } from 'vitest'
import { createScreen, scoreTable, wrap } from './screen.ts'

const figures = { happened: 41, found: 40, missed: 1, false: 0 }
const score = {
  findings: { 'lost-update': figures, 'unguarded-read-modify-write': figures },
  report: { ...figures, result: 'diverged', compared: 60, indeterminate: 0 },
  failures: [],
}

it('wraps between words and keeps the indent of the first line', () => {
  expect(wrap('  1. one two three', 12, 5)).toEqual(['  1. one two', '     three'])
  expect(wrap('a-very-long-word b', 6, 2)).toEqual(['a-very-long-word', '  b'])
})

it('prints a table that fits 80 columns, and one that fits 50', () => {
  expect(scoreTable(score, 80)).toEqual([
    '                               happened  found  missed  false',
    '  lost-update                        41     40       1      0',
    '  unguarded-read-modify-write        41     40       1      0',
    '  named in the report                41     40       1      0',
  ])
  const narrow = scoreTable(score, 50)
  expect(narrow.slice(0, 2)).toEqual(['lost-update', '  happened 41  found 40  missed 1  false 0'])
  expect(narrow.every((line) => line.length <= 50)).toBe(true)
})

it('colours on a terminal only, and never with NO_COLOR', () => {
  const written = (isTTY: boolean, env: Record<string, string>) => {
    let text = ''
    createScreen({ write: (more) => (text += more), isTTY, columns: 50 }, env).heading('Before')
    return text
  }
  expect(written(true, {})).toContain('\u001b[1mBefore')
  expect(written(true, { NO_COLOR: '1' })).toBe('\nBefore\n')
  expect(written(false, {})).toBe('\nBefore\n')
})
