import type { RecordSource, SourceRecord } from '@syncproof/core/comparison'
import { expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { HashedKeys } from './hashed-keys.ts'

const hashed = () => new HashedKeys((key) => `#${key}`)
const never = new AbortController().signal

/** A side with these keys, a batch each. */
function side(...keys: readonly string[]) {
  const read: string[] = []
  const source: RecordSource = {
    name: 'test',
    ordered: true,
    async *list() {
      for (const key of keys) {
        read.push(key)
        const record: SourceRecord = { key, fields: {}, observedAt: '2026-01-01T00:00:00Z' }
        yield { records: [record] }
      }
    },
    requests: () => 0,
    close: async () => {},
  }
  return { source, read }
}

it('a key is known by its hash once it was seen', () => {
  const keys = hashed()
  expect(keys.keyOf('#a')).toBeUndefined()
  expect(keys.note('a')).toBe('#a')
  expect(keys.keyOf('#a')).toBe('a')
})

it('keys beyond the bound are forgotten, but for those that are wanted', () => {
  const keys = hashed()
  for (let n = 0; n < limits.hashedKeysMax; n += 1) keys.note(`k${n}`)
  keys.want(['#wanted'])
  keys.note('other')
  keys.note('wanted')
  expect([keys.keyOf('#other'), keys.keyOf('#wanted')]).toEqual([undefined, 'wanted'])
})

it('finds what it has forgotten by listing again, and stops where all is found', async () => {
  const keys = hashed()
  for (let n = 0; n < limits.hashedKeysMax; n += 1) keys.note(`k${n}`)
  const one = side('a', 'b', 'c')
  const two = side('x', 'y', 'z')
  await keys.find(['#k1', '#b', '#y'], [one.source, two.source], never)
  expect([keys.keyOf('#k1'), keys.keyOf('#b'), keys.keyOf('#y')]).toEqual(['k1', 'b', 'y'])
  expect([one.read, two.read]).toEqual([
    ['a', 'b', 'c'],
    ['x', 'y'],
  ])
  const again = side('a')
  await keys.find(['#b'], [again.source], never)
  expect(again.read).toEqual([])
})

it('a later run knows the keys that are kept for it, and no others', () => {
  const kept = new Map<string, string>()
  const first = new HashedKeys((key) => `#${key}`, kept)
  for (const key of ['a', 'b', 'c']) first.note(key)
  first.keep(['#a', '#b', '#unknown'])
  const second = new HashedKeys((key) => `#${key}`, kept)
  expect(['#a', '#b', '#c', '#unknown'].map((name) => second.keyOf(name))).toEqual([
    'a',
    'b',
    undefined,
    undefined,
  ])
  second.keepOnly(new Set(['#b']))
  expect([...kept]).toEqual([['#b', 'b']])
})

it('keeps no more keys between runs than a run watches', () => {
  const kept = new Map<string, string>()
  const keys = new HashedKeys((key) => `#${key}`, kept)
  const names = Array.from({ length: limits.watchedMax + 1 }, (_, n) => keys.note(`k${n}`))
  keys.keep(names)
  expect(kept.size).toBe(limits.watchedMax)
})
