import { expect, it } from 'vitest'
import { formatInstant, now } from './clock.ts'

it('instants are RFC 3339 with microseconds', () => {
  expect(formatInstant(1_700_000_000_000_007)).toBe('2023-11-14T22:13:20.000007Z')
  expect(formatInstant(1_700_000_000_123_456)).toBe('2023-11-14T22:13:20.123456Z')
})

it('the wall time follows the system clock, the monotonic one never goes back', () => {
  const first = now()
  const second = now()
  expect(second.monotonicUs).toBeGreaterThanOrEqual(first.monotonicUs)
  expect(Math.abs(first.wallUs / 1000 - Date.now())).toBeLessThan(1_000)
})
