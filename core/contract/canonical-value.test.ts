import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalValue, plainDecimal } from './canonical-value.ts'
import { limits } from './limits.ts'

/** An array with the value 1 at one place and nothing at the others. */
function withHoles(length: number, at: number): unknown[] {
  const array = new Array<unknown>(length)
  array[at] = 1
  return array
}

describe('two values have one canonical text only where they are the same', () => {
  const apart: unknown[] = [
    null,
    'null',
    undefined,
    '',
    'undefined',
    0,
    '0',
    1,
    '1',
    false,
    'false',
    true,
    [],
    {},
    '[]',
    [null],
    [[]],
    ['a', 'b'],
    ['a,b'],
    ['p|q', 'r'],
    ['p', 'q|r'],
    { a: 1 },
    { a: '1' },
    { a: { b: 1 } },
    { 'a.b': 1 },
    [1, 2],
    [12],
    ['1:a'],
    new Date(0),
    '1970-01-01T00:00:00.000Z',
    new Uint8Array([1]),
    'AQ==',
    { a: null },
    0.1,
    0.30000000000000004,
  ]
  test('among the ones that are easily confused', () => {
    const texts = apart.map(canonicalValue)
    expect(texts).not.toContain(undefined)
    expect(new Set(texts).size).toBe(apart.length)
  })

  test('for any JSON', () => {
    // few letters and little depth, so that values nearly meet
    const json = fc.jsonValue({ maxDepth: 2, stringUnit: fc.constantFrom('a', '1', ':', 'é', '\u0301') })
    fc.assert(
      fc.property(fc.array(json, { minLength: 20, maxLength: 40 }), (values) => {
        const readable = values.filter((value) => canonicalValue(value) !== undefined)
        const texts = new Set(readable.map(canonicalValue))
        expect(texts.size).toBe(new Set(readable.map(normal)).size)
      }),
      { numRuns: 300 },
    )
  })

  /** What JSON, NFC and an order of members make equal. */
  function normal(value: unknown): string {
    const sorted = JSON.stringify(value, (_, member: unknown) =>
      typeof member === 'object' && member !== null && !Array.isArray(member)
        ? Object.fromEntries(
            Object.entries(member)
              .map(([name, each]) => [`=${name.normalize('NFC')}`, each] as const)
              .sort(([a], [b]) => (a < b ? -1 : 1)),
          )
        : member,
    )
    return sorted.normalize('NFC')
  }
})

describe('the same value has one canonical text however it is held', () => {
  test.each<[string, unknown, unknown]>([
    ['numbers and bigints', 42, 42n],
    ['zero and minus zero', 0, -0],
    ['members in another order', { a: 1, b: 2 }, { b: 2, a: 1 }],
    ['a member that is undefined and one that is absent', { a: 1, b: undefined }, { a: 1 }],
    ['composed and decomposed letters', 'é', 'e\u0301'],
    ['composed and decomposed names, beside others', { é: 1, f: 2 }, { 'e\u0301': 1, f: 2 }],
    ['holes, undefined and null in an array', withHoles(2, 1), [null, 1]],
    ['a Buffer and a Uint8Array', Buffer.from([1, 2]), new Uint8Array([1, 2])],
    ['a lone surrogate and what drivers make of it', 'a\ud800', 'a\ufffd'],
    [
      'an object with toJSON',
      new (class {
        toJSON() {
          return { a: 1 }
        }
      })(),
      { a: 1 },
    ],
    ['objects with and without a prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
  ])('%s', (_, a, b) => {
    expect(canonicalValue(a)).toBeDefined()
    expect(canonicalValue(a)).toBe(canonicalValue(b))
  })

  test('but holes keep their place', () => {
    expect(canonicalValue(withHoles(2, 1))).not.toBe(canonicalValue(withHoles(2, 0)))
  })
})

describe('a value that cannot be trusted has no canonical text', () => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  const shared = Array.from({ length: 30 }).reduce<unknown>((inner) => [inner, inner], 'x')
  test.each<[string, unknown]>([
    ['a cycle', cycle],
    [
      'a getter that throws',
      {
        get a() {
          throw new Error('no')
        },
      },
    ],
    [
      'a Proxy that throws',
      new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('no')
          },
        },
      ),
    ],
    [
      'a toJSON that throws',
      new (class {
        toJSON() {
          throw new Error('no')
        }
      })(),
    ],
    ['a number past 2^53', 2 ** 53],
    ['not a number', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a symbol', Symbol('a')],
    ['a function', () => 1],
    ['a Map', new Map()],
    ['an invalid date', new Date('never')],
    ['text that is too long', 'x'.repeat(limits.canonicalLengthMax + 1)],
    ['many parts that together are too long', Array.from({ length: 9 }, () => 'x'.repeat(32 * 1024))],
    ['a sparse array of a billion', new Array(1e9)],
    ['parts shared so often that they would spell gigabytes', shared],
    ['two names that are the same in NFC', { é: 1, 'e\u0301': 2 }],
    ['depth 10,000', Array.from({ length: 10_000 }).reduce<unknown>((inner) => [inner], 1)],
  ])('%s', (_, value) => {
    expect(canonicalValue(value)).toBeUndefined()
  })
})

test.each([
  ['1.50', '1.5'],
  [1.5, '1.5'],
  ['15e-1', '1.5'],
  ['-0.00', '0'],
  ['0007', '7'],
  ['.5', '0.5'],
  ['5.', '5'],
  ['1e3', '1000'],
  ['-1.2e-3', '-0.0012'],
  [1e-7, '0.0000001'],
  ['123456789012345678901234567890.10', '123456789012345678901234567890.1'],
  [12345678901234567890n, '12345678901234567890'],
  [' 7 ', '7'],
  ['+7', '7'],
])('%s is the decimal %s', (value, plain) => {
  expect(plainDecimal(value)).toBe(plain)
})

test.each(['', '.', '-', 'e5', '1e', '0x10', '1,000', 'Infinity', '1e9999', '١'])(
  '%j is no decimal',
  (text) => {
    expect(plainDecimal(text)).toBeUndefined()
  },
)
