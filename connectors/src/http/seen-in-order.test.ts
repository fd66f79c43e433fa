import { expect, it } from 'vitest'
import { SeenInOrder } from './seen-in-order.ts'

const record = (n: number, content = 'as it was') => ({
  key: `k${String(n).padStart(6, '0')}`,
  fields: { content },
  observedAt: '2026-01-01T00:00:00.000Z',
})
const seenUntil = (count: number) => {
  const seen = new SeenInOrder(({ fields }) => JSON.stringify(fields))
  for (let n = 0; n < count; n += 1) expect(seen.add(record(n))).toBe('new')
  return seen
}

it.each([1, 4_999, 5_000, 5_001, 20_000])('knows the last of %i records when they come again', (count) => {
  const seen = seenUntil(count)
  for (let n = Math.max(0, count - 4_000); n < count; n += 1) {
    expect(seen.add(record(n))).toBe('same')
    expect(seen.add(record(n, 'changed'))).toBe('different')
  }
  expect(seen.count).toBe(count)
  expect(seen.add(record(count))).toBe('new')
})

it('tells a record that is out of order from one that comes again', () => {
  expect(seenUntil(20_000).add(record(3))).toBe('disordered')
})
