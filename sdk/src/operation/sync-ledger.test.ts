import { expect, it } from 'vitest'
import { SyncLedger } from './sync-ledger.ts'

it('attempts of one sync are counted, each sync for itself', () => {
  const ledger = new SyncLedger()
  expect(['a', 'a', 'b', 'a'].map((key) => ledger.begin(key).number)).toEqual([1, 2, 1, 3])
})

it('an answer is doubted after an attempt that got none, and while an earlier one is under way', () => {
  const ledger = new SyncLedger()
  const [first, second] = [ledger.begin('a'), ledger.begin('a')]
  expect(second.answered(false)).toBe(true)
  expect(first.answered(false)).toBe(false)
  expect(ledger.begin('a').answered(true)).toBe(false)
  expect(ledger.begin('a').answered(false)).toBe(true)
  expect(ledger.begin('b').answered(false)).toBe(false)
})

it('with more syncs than it can keep, doubt is never forgotten, only spread', () => {
  const settled = new SyncLedger()
  const unsettled = new SyncLedger()
  unsettled.begin('lost').answered(true)
  for (let n = 0; n < 10_000; n += 1) {
    settled.begin(`${n}`).answered(false)
    unsettled.begin(`${n}`).answered(false)
  }
  settled.begin('one more').answered(false)
  expect(settled.begin('new').answered(false)).toBe(false)
  expect(unsettled.begin('lost').answered(false)).toBe(true)
})
