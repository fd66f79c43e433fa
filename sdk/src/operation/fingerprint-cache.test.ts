import { canonicalValue } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { FingerprintCache } from './fingerprint-cache.ts'

const entity = { type: 'thing', id: '1' }
let made = 0
const take = (cache: FingerprintCache, value: unknown, of = entity, field = 'f') =>
  cache.recall(of, field, value) ??
  cache.take(of, field, value, canonicalValue(value) ?? '', () => `made ${++made}`)

it('an unchanged value is hashed once, whatever its type', () => {
  const cache = new FingerprintCache()
  for (const value of ['a', 1, true, null, undefined, 10n, { a: 1 }, [1], new Date(5)]) {
    const first = take(cache, value)
    expect(take(cache, value)).toBe(first)
    expect(take(cache, structuredClone(value))).toBe(first)
  }
})

it('values that differ in type, field or record never share a fingerprint', () => {
  const cache = new FingerprintCache()
  const values = [0, '0', false, null, 'null', undefined, '', '0n', new Date(0), [0], {}]
  const others = [
    take(cache, 'x', { type: 'thing', id: '2' }),
    take(cache, 'x', entity, 'g'),
    take(cache, 'x'),
  ]
  const all = [...values.map((value) => take(cache, value)), ...others]
  expect(new Set(all).size).toBe(all.length)
})

it('a Date that was set to another time is hashed again', () => {
  const cache = new FingerprintCache()
  const date = new Date(1)
  const before = take(cache, date)
  date.setTime(2)
  expect(take(cache, date)).not.toBe(before)
  expect(take(cache, 2)).not.toBe(take(cache, date))
})
