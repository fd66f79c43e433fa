import { expect, it } from 'vitest'
import { ClockOffset } from './clock-offset.ts'

it('nothing is claimed before a round trip', () => {
  expect(new ClockOffset().report()).toBeUndefined()
})

it('round trips narrow the offset, which stays inside', () => {
  const offset = new ClockOffset()
  const trueMs = 3_456
  for (let n = 0; n < 50; n += 1) {
    const sentMs = 1_000_000 + n * 1_337
    const answeredMs = sentMs + 8
    const dateMs = Math.floor((sentMs + 3 + trueMs) / 1000) * 1000
    offset.add({ sentMs, answeredMs, dateMs })
    const [low, high] = offset.report()?.offset_ms ?? [1, 0]
    expect(low).toBeLessThanOrEqual(trueMs)
    expect(high).toBeGreaterThanOrEqual(trueMs)
  }
  const [low, high] = offset.report()?.offset_ms ?? [0, 9_999]
  expect(high - low).toBeLessThan(1_200)
})

it('after a clock was set only the newest round trip counts', () => {
  const offset = new ClockOffset()
  offset.add({ sentMs: 0, answeredMs: 10, dateMs: 1_000 })
  offset.add({ sentMs: 100, answeredMs: 110, dateMs: 900_000 })
  expect(offset.report()).toEqual({ offset_ms: [899_890, 901_900] })
})
