import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { displayWidth, padEnd, plural, printable, wrap, wrapIndented } from './text.ts'

describe('text of records on a terminal', () => {
  it('shows what would move the cursor, recolour the screen or reorder the line', () => {
    expect(printable('a\u001b[2Jb')).toBe('a\\u{1b}[2Jb')
    expect(printable('one\ntwo\tthree\r')).toBe('one\\ntwo\\tthree\\r')
    expect(printable('\u009b31m \u202egpj.exe \ud800')).toBe('\\u{9b}31m \\u{202e}gpj.exe \\u{d800}')
    expect(printable('Zoë 日本 👩‍💻')).toBe('Zoë 日本 👩‍💻')
  })

  it('counts columns as a terminal does', () => {
    expect(displayWidth('abc')).toBe(3)
    expect(displayWidth('日本')).toBe(4)
    expect(displayWidth('e\u0301')).toBe(1)
    expect(padEnd('日', 4)).toBe('日  ')
  })

  it('wraps between words, and within a word only where it is longer than the line', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three'])
    expect(wrap('abcdefgh ij', 4)).toEqual(['abcd', 'efgh', 'ij'])
    expect(wrap('as long as it is', Number.POSITIVE_INFINITY)).toEqual(['as long as it is'])
    expect(wrapIndented('a line that must be broken somewhere', 24, 2)).toEqual([
      '  a line that must be',
      '  broken somewhere',
    ])
  })

  it('never prints a line wider than asked, and loses nothing but spaces', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 40 }), (data, width) => {
        const text = printable(data)
        const lines = wrap(text, width)
        expect(lines.every((line) => displayWidth(line) <= width)).toBe(true)
        expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
      }),
    )
  })

  it('counts in words', () => {
    expect([plural(1, 'finding'), plural(2, 'finding'), plural(12000, 'entity', 'entities')]).toEqual([
      '1 finding',
      '2 findings',
      '12,000 entities',
    ])
  })
})
