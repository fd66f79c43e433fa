import { expect, it } from 'vitest'
import { ClockOffset } from './clock-offset.ts'

/** A round trip of 8 ms to a collector whose clock is `offsetMs` ahead and is cut to `precisionMs`. */
function roundTrip(atMs: number, offsetMs: number, precisionMs: number, jumps = 0) {
  return {
    sentMs: atMs,
    answeredMs: atMs + 8,
    monotonicMs: atMs + 8 - 1_000,
    collectorMs: Math.floor((atMs + 3 + offsetMs) / precisionMs) * precisionMs,
    precisionMs,
    jumps,
  }
}

it('nothing is claimed before a round trip', () => {
  expect(new ClockOffset().report()).toBeUndefined()
})

it.each([
  ['a collector that tells milliseconds', 1, 10],
  ['one that only sends Date', 1_000, 1_010],
])('round trips narrow the offset, which stays inside: %s', (_, precisionMs, widthMs) => {
  const offset = new ClockOffset()
  for (let n = 0; n < 50; n += 1) {
    offset.add(roundTrip(1_000_000 + n * 1_337, 3_456, precisionMs))
    const [low, high] = offset.report()?.offset_ms ?? [1, 0]
    expect(low).toBeLessThanOrEqual(3_456)
    expect(high).toBeGreaterThanOrEqual(3_456)
  }
  const [low, high] = offset.report()?.offset_ms ?? [0, 9_999]
  expect(high - low).toBeLessThanOrEqual(widthMs)
})

it('clocks that drift apart stay inside, however long ago they were compared', () => {
  const offset = new ClockOffset()
  for (let n = 0; n < 200; n += 1) {
    const atMs = 1_000_000 + n * 10_000
    const trueMs = 500 + n * 10_000 * 5e-5
    offset.add(roundTrip(atMs, trueMs, 1))
    const [low, high] = offset.report()?.offset_ms ?? [1, 0]
    expect(low).toBeLessThanOrEqual(trueMs + 1)
    expect(high).toBeGreaterThanOrEqual(trueMs - 1)
  }
})

it('after a clock was set only the newest round trip counts, on whichever side it was', () => {
  const offset = new ClockOffset()
  offset.add(roundTrip(0, 1_000, 1))
  offset.add(roundTrip(100, 900_000, 1))
  expect(offset.report()).toEqual({ offset_ms: [899_995, 900_004] })
  offset.add(roundTrip(200, 899_998, 1, 1))
  expect(offset.report()).toEqual({ offset_ms: [899_993, 900_002] })
})
