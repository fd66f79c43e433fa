import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { API_KEY_PREFIX, isBrokenKey, makeKey } from './key-format.ts'

test('a key that was made is whole, and no two are alike', () => {
  const keys = Array.from({ length: 200 }, makeKey)
  expect(keys.filter(isBrokenKey)).toEqual([])
  expect(new Set(keys).size).toBe(keys.length)
})

test('a key that was cut, lengthened, or has one wrong character is told without asking anybody', () => {
  const character = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
  fc.assert(
    fc.property(fc.nat(), character, (at, other) => {
      const key = makeKey()
      const place = API_KEY_PREFIX.length + (at % (key.length - API_KEY_PREFIX.length))
      fc.pre(key[place] !== other)
      expect(isBrokenKey(key.slice(0, place) + other + key.slice(place + 1))).toBe(true)
      expect(isBrokenKey(key.slice(0, place))).toBe(true)
      expect(isBrokenKey(key + other)).toBe(true)
    }),
  )
})

test('a key that an operator chose is not taken for one of ours', () => {
  for (const key of ['k', 'chosen', '5b8f0e', 'SP_x', 'spx_1']) expect(isBrokenKey(key)).toBe(false)
})

test('docs/keys.md tells scanners an expression that finds keys in text', () => {
  const page = readFileSync(new URL('../../docs/keys.md', import.meta.url), 'utf8')
  const told = /```regex\n(.*)\n```/.exec(page)?.[1] ?? ''
  const key = makeKey()
  const text = `env: { SYNCPROOF_API_KEY: "${key}" } # was ${key}. wasp_${key.slice(3)} sp_execute`
  expect(text.match(new RegExp(told, 'g'))).toEqual([key, key])
})
