import { defineFields, ignore, text, UNREADABLE } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { EntityReader, RecordReader } from './record-reader.ts'

let hashed = 0

function reader(id = '1') {
  const fields = defineFields({ mail: text({ case: 'lower' }), secret: ignore() })
  const shared = new RecordReader('key', { thing: { fields } }, () => {})
  const { fingerprinter } = shared
  const counting = Object.assign(shared, {
    fingerprinter: {
      ...fingerprinter,
      column(...args: Parameters<typeof fingerprinter.column>) {
        const print = fingerprinter.column(...args)
        return (prefix: string, canonical: string | undefined) => {
          hashed += 1
          return print(prefix, canonical)
        }
      },
    },
  })
  return new EntityReader(counting, { type: 'thing', id })
}

it('an unchanged value is hashed once, whatever its type', () => {
  const { field } = bound(reader())
  for (const value of ['a', 1, true, null, undefined, 10n, { a: 1 }, [1], new Date(5)]) {
    const first = field('f', value)
    const before = hashed
    expect(field('f', value)).toBe(first)
    expect(field('f', structuredClone(value))).toBe(first)
    expect(hashed).toBe(before)
  }
})

it('a row before and a row after are hashed once each, however often they come', () => {
  const { field } = bound(reader())
  const prints = [field('f', 'before'), field('f', 'after')]
  const before = hashed
  expect([field('f', 'before'), field('f', 'after'), field('f', 'before')]).toEqual([...prints, prints[0]])
  expect(hashed).toBe(before)
})

it('values that differ in type, field or record never share a fingerprint', () => {
  const one = bound(reader())
  const values = [0, '0', false, null, 'null', undefined, '', '0n', new Date(0), [0], {}]
  const others = [bound(reader('2')).field('f', 'x'), one.field('g', 'x'), one.field('f', 'x')]
  const all = [...values.map((value) => one.field('f', value)), ...others]
  expect(new Set(all).size).toBe(all.length)
})

it('a Date that was set to another time is hashed again', () => {
  const one = bound(reader())
  const date = new Date(1)
  const before = one.field('f', date)
  date.setTime(2)
  expect(one.field('f', date)).not.toBe(before)
  expect(one.field('f', 2)).not.toBe(one.field('f', date))
})

it('an object that was changed, and one that cannot be read, are not taken for what they were', () => {
  const read = reader()
  const one = bound(read)
  const object = { a: 1 }
  const before = one.field('f', object)
  object.a = 2
  expect(one.field('f', object)).not.toBe(before)
  const record = { f: object }
  Object.defineProperty(record, 'f', {
    get: () => {
      throw new Error('no')
    },
    enumerable: true,
  })
  expect(read.read(record)).toEqual({ f: UNREADABLE })
  expect(one.field('f', Number.NaN)).toBe(UNREADABLE)
})

it('records are read by their rules, and equal ones are one object', () => {
  const one = reader()
  const first = one.read({ mail: 'A@x', secret: 's', n: 1 })
  expect(Object.keys(first)).toEqual(['mail', 'n'])
  expect(one.read({ mail: 'a@X', n: 1 })).toBe(first)
  expect(one.read({ mail: 'a@X' })).not.toBe(first)
  expect(one.read({ mail: 'a@X', n: 1, m: 2 })).not.toBe(first)
  expect(one.read('no record')).toEqual({})
})

function bound(one: EntityReader) {
  return { field: (name: string, value: unknown) => one.field(name, value)?.fingerprint }
}
