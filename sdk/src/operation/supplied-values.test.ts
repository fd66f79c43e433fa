import { auto, map } from '@syncproof/core/contract'
import { describe, expect, it } from 'vitest'
import { SuppliedValues } from './supplied-values.ts'

const has = (given: unknown, value: unknown, rule = auto) => new SuppliedValues([given]).has(value, rule)

describe('a value that the caller gave is supplied', () => {
  it.each([
    ['as it is', ['a', { deep: [{ name: 'Ann' }] }], 'Ann'],
    ['trimmed, in other case', { email: ' A@B.c ' }, 'a@b.c'],
    ['parsed from text', { score: '015.0' }, 15],
    ['as a date', { at: '2026-01-02T03:04:05Z' }, new Date('2026-01-02T03:04:05Z')],
    ['as a date from its number', [1_767_323_045], new Date(1_767_323_045_000)],
    ['in a Map or a Set', [new Map([['k', new Set(['x'])]])], 'x'],
    ['as the name of a member', { hired: true }, 'hired'],
    ['in parts', { a: 1, b: 'two' }, [1, ['two']]],
    ['null, or left undefined', { phone: undefined }, null],
  ])('%s', (_how, given, value) => {
    expect(has(given, value)).toBe(true)
  })

  it('by the rule of its field', () => {
    expect(has(['A'], 'active', map({ A: 'active' }))).toBe(true)
    expect(has(['A'], 'active')).toBe(false)
  })
})

it('a value that the app computed is not', () => {
  expect(has(['Ann', 1], 'Ann Lee')).toBe(false)
  expect(has(['Ann', 1], 2)).toBe(false)
  expect(has([], 'anything')).toBe(false)
})

it('an instance of a class that only holds data holds what it shows', () => {
  class ChangeDto {
    email = 'a@x'
  }
  const supplied = new SuppliedValues([new ChangeDto()])
  expect(supplied.has('a@x', auto)).toBe(true)
  expect(supplied.has('b@x', auto)).toBe(false)
})

it('what cannot be seen whole may hold anything', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  class Model {
    email(): string {
      return 'anything'
    }
  }
  const getter = {
    get name(): string {
      throw new Error('was called')
    },
  }
  const proxy = new Proxy(
    {},
    {
      ownKeys() {
        throw new Error('no')
      },
    },
  )
  const wide = Array.from({ length: 3_000 }, (_, n) => n)
  for (const opaque of [
    [() => 'x'],
    new Model(),
    getter,
    proxy,
    wide,
    ['x'.repeat(100_000)],
    Promise.resolve(),
  ])
    expect(has(opaque, 'computed')).toBe(true)
  expect(has(cycle, 'computed')).toBe(false)
})

it('the arguments count as they were at the call', () => {
  const given: Record<string, unknown> = { name: 'Ann' }
  const supplied = new SuppliedValues([given])
  given.name = 'Bea'
  expect(supplied.has('Ann', auto)).toBe(true)
  expect(supplied.has('Bea', auto)).toBe(false)
})
