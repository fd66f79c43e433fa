import fc from 'fast-check'
import { expect, it } from 'vitest'
import { joinKey, splitKey } from './compound-key.ts'

it('keys of several parts have one text each, and the text says the parts', () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: fc.constantFrom('a', '/', '\\', 'é') }), { minLength: 1, maxLength: 4 }),
      (parts) => {
        expect(splitKey(joinKey(parts), parts.length)).toEqual(parts)
      },
    ),
  )
  expect(joinKey(['acme', '42'])).toBe('acme/42')
  expect(joinKey(['a/b', 'c'])).not.toBe(joinKey(['a', 'b/c']))
})

it.each([
  ['too few parts', 'acme', 2],
  ['too many parts', 'a/b/c', 2],
  ['an escape of nothing', 'a\\b/c', 2],
])('a text that is no key, because it has %s, has no parts', (_, text, count) => {
  expect(splitKey(text, count)).toBeUndefined()
})
