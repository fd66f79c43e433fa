import fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareKeys } from './key-order.ts'

it('orders keys as their UTF-8 bytes do, for any well-formed text', () => {
  const key = fc.string({ unit: 'binary' })
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
  )
})

it('puts an emoji after U+FF01, which JS does not', () => {
  expect('\u{1F600}' < '\uFF01').toBe(true)
  expect(compareKeys('\u{1F600}', '\uFF01')).toBeGreaterThan(0)
})
