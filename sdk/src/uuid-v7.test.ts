import { uuidV7TimeMs } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { uuidV7 } from './uuid-v7.ts'

it('ids ascend, also where the clock stands still, goes back, or the counter of a millisecond is spent', () => {
  const ids = [5_000, 5_000, 4_000, ...Array<number>(10_000).fill(5_000), 5_010].map(uuidV7)
  expect(ids).toEqual([...ids].sort())
  expect(new Set(ids).size).toBe(ids.length)
  expect(uuidV7TimeMs(ids[0] ?? '')).toBe(5_000)
  expect(uuidV7TimeMs(ids.at(-1) ?? '')).toBe(5_010)
})
