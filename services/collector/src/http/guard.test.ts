import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nested } from '../../test/make-batch.ts'
import { findHostile } from './guard.ts'

test.each([
  ['NUL in a string', '{"a":{"b":["x","\\u0000"]}}', ['a', 'b', '1'], /NUL/],
  ['NUL in a key', '{"a":{"\\u0000":1}}', ['a'], /name must not contain the character NUL/],
  ['half a surrogate pair', '{"a":"\\ud800"}', ['a'], /surrogate/],
  ['an integer past 2^53', '{"a":[9007199254740993]}', ['a', '0'], /2\^53/],
  ['a number that overflows', '{"a":1e400}', ['a'], /2\^53/],
  ['__proto__', '{"a":{"__proto__":{"admin":true}}}', ['a'], /__proto__/],
  ['constructor.prototype', '{"constructor":{"prototype":{}}}', [], /constructor/],
  ['text of 5,000 characters', `{"a":"${'x'.repeat(5_000)}"}`, ['a'], /4096/],
  ['10,000 values', `{"a":[${'0,'.repeat(9_999)}0]}`, ['a'], /8192/],
  [
    '600 members',
    JSON.stringify(Object.fromEntries([...Array(600).keys()].map((n) => [`f${n}`, n]))),
    [],
    /512/,
  ],
])('%s is found where it stands', (_, json, path, message) => {
  const hostile = findHostile(JSON.parse(json))
  expect(hostile?.path).toEqual(path)
  expect(hostile?.message).toMatch(message)
})

test('a value nested a million deep is refused, and costs no stack', () => {
  expect(findHostile(JSON.parse(nested(1_000_000)))?.message).toMatch(/32 levels/)
})

test('32 levels pass, 33 do not', () => {
  expect(findHostile(JSON.parse(nested(32)))).toBeUndefined()
  expect(findHostile(JSON.parse(nested(33)))).toBeDefined()
})

test('a field may be called constructor', () => {
  expect(findHostile({ fields: { constructor: 'k.r.digest' } })).toBeUndefined()
})

test('whatever passes survives JSON unchanged', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      if (findHostile(value) === undefined) {
        const text = JSON.stringify(value)
        expect(JSON.stringify(JSON.parse(text))).toBe(text)
      }
    }),
    { numRuns: 300 },
  )
})
