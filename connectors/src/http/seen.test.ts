import { expect, it } from 'vitest'
import { Seen } from './seen.ts'

it('tells new keys from known ones and same content from other, past any growth', () => {
  const seen = new Seen()
  for (let n = 0; n < 20_000; n += 1) expect(seen.add(`k${n}`, `c${n}`)).toBe('new')
  expect(seen.count).toBe(20_000)
  for (let n = 0; n < 20_000; n += 1)
    expect(seen.add(`k${n}`, `c${n % 2 ? n : -1}`)).toBe(n % 2 ? 'same' : 'different')
  expect(seen.count).toBe(20_000)
})
