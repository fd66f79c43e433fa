import { expect, it } from 'vitest'
import { faultOfUniqueKey, type UniqueKey, uniqueKeyOf } from './unique-key.ts'

const entity = { type: 'candidate', id: 'c1' }
const keyOf = (key: UniqueKey | undefined, record: unknown) => uniqueKeyOf(key, () => record, entity)

it('one field is the same key, named alone, in a list or by a function', () => {
  const record = { email: 'ada@example.com', name: 'Ada' }
  expect(keyOf('email', record)).toBe('ada@example.com')
  expect(keyOf(['email'], record)).toBe('ada@example.com')
  expect(keyOf(({ email }: typeof record) => email, record)).toBe('ada@example.com')
  expect(keyOf(undefined, record)).toBeUndefined()
})

it('several fields make one key together, in their order', () => {
  expect(keyOf(['tenant', 'number'], { number: 7, tenant: 'a' })).toEqual(['a', 7])
  expect(keyOf(({ a, b }: { a: string; b: string }) => [a, b], { a: 'x', b: 'y' })).toEqual(['x', 'y'])
})

it('a function is told the record and whose it is', () => {
  const key = (record: { email: string }, { type }: { type: string }) =>
    type === 'candidate' ? record.email : undefined
  expect(keyOf(key, { email: 'a' })).toBe('a')
  expect(uniqueKeyOf(key, () => ({ email: 'a' }), { type: 'job', id: '1' })).toBeUndefined()
})

it.each<[string, unknown]>([
  ['no such field', {}],
  ['null', { email: null }],
  ['an empty text', { email: '' }],
  ['a whole number that JSON has rounded', JSON.parse('{"email":9007199254740993}')],
  ['what is not finite', { email: Number.NaN }],
  ['an object', { email: { address: 'a' } }],
  ['a list', { email: [] }],
  ['a promise', { email: Promise.resolve('a') }],
  ['no date', { email: new Date(Number.NaN) }],
  ['no record', undefined],
])('records are not alike for what they lack: %s is no key', (_, record) => {
  expect(keyOf('email', record)).toBeUndefined()
  expect(keyOf(['name', 'email'], { name: 'Ada', ...(record as object) })).toBeUndefined()
  expect(keyOf((sent: { email: unknown } | undefined) => sent?.email, record)).toBeUndefined()
})

it('0, false and a fraction are keys', () => {
  expect([0, false, 4.5, 7n].map((n) => keyOf('n', { n }))).toEqual([0, false, 4.5, 7n])
})

it('what throws gives no key, and nothing else', () => {
  expect(keyOf(({ email }: { email: string }) => email.toLowerCase(), {})).toBeUndefined()
  const record = () => {
    throw new Error('no')
  }
  expect(uniqueKeyOf('email', record, entity)).toBeUndefined()
})

it('wrong options are told', () => {
  for (const wrong of [7, '', [], ['a', ''], [7], {}, null])
    expect(faultOfUniqueKey(wrong)).toBe(
      '`uniqueKey` must be a field, a list of fields, or a function of the record',
    )
  for (const right of [undefined, 'email', ['a', 'b'], () => 7])
    expect(faultOfUniqueKey(right)).toBeUndefined()
})
