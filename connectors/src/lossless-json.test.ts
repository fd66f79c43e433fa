import { plainDecimal } from '@syncproof/core/contract'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseLosslessly } from './lossless-json.ts'

describe('JSON read without loss', () => {
  it('keeps the exact decimal of any number that is written, wherever it stands', () => {
    const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,25})(\.\d{1,25})?([eE][+-]?\d{1,2})?$/)
    fc.assert(
      fc.property(digits, (number) => {
        for (const text of [number, `[${number}]`, `{"a": ${number}}`, `[1,\n${number}]`]) {
          const [value] = [parseLosslessly(text)]
            .flatMap((at) => (typeof at === 'object' ? Object.values(at ?? {}) : [at]))
            .slice(-1)
          expect(plainDecimal(value as number | string)).toBe(plainDecimal(number))
        }
      }),
    )
  })

  it('is JSON.parse for everything that is no number', () => {
    const value = fc
      .jsonValue({ noUnicodeString: false })
      .filter((json) => !/\d{16}|\de/i.test(JSON.stringify(json)))
    fc.assert(
      fc.property(value, (json) => {
        const text = JSON.stringify(json)
        expect(parseLosslessly(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('leaves a number alone that a JS number holds exactly, and texts of digits as texts', () => {
    expect(parseLosslessly('[1.50, 1e3, 9007199254740991, "9007199254740993", "1e400"]')).toEqual([
      1.5,
      1000,
      9007199254740991,
      '9007199254740993',
      '1e400',
    ])
  })
})
