import { OVERFLOW } from '@syncproof/store'
import { expect, test } from 'vitest'
import { collectorLimits } from '../limits.ts'
import { createLabelCap } from './cap-label.ts'

test('a label that is filled with ids ends in one overflow series; the first values keep theirs', () => {
  const cap = createLabelCap()
  const out = Array.from({ length: 5_000 }, (_, n) => cap(`operation-${n}`))
  expect(new Set(out).size).toBe(collectorLimits.labelValuesMax + 1)
  expect(cap('operation-0')).toBe('operation-0')
  expect(cap('operation-4999')).toBe(OVERFLOW)
})
