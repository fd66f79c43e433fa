import * as zlib from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32, crc32ByHand } from './crc32.ts'

it('by hand it is that of zlib, so that a file of one Node is read by another', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (text) => {
      expect(crc32ByHand(text)).toBe(zlib.crc32(text))
      expect(crc32(text)).toBe(zlib.crc32(text))
    }),
  )
})
