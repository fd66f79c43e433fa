import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { collisionsAMonth, type ExposedCall, type Exposure, exposedCallOf, missMs } from './exposure.ts'
import { detectOperation } from './index.ts'
import { examples } from './testing/examples.ts'

const entity = { type: 'candidate', id: 'c-17' }
const at = (fromMs: number, untilMs: number): ExposedCall => ({ entity, fromMs, untilMs })

test('a hazard says when its call could have met another one, and of which entity', () => {
  const example = examples['unguarded-read-modify-write']
  const hazards = example
    ? detectOperation(example).findings.filter(({ verdict }) => verdict === 'hazard')
    : []
  const startMs = Date.UTC(2026, 10, 20, 12)
  expect(hazards.map(exposedCallOf)).toEqual([at(startMs + 1, startMs + 2)])
})

test('what is no hazard of a function has no such time', () => {
  const example = examples['lost-update']
  const findings = example ? detectOperation(example).findings : []
  expect(findings.map(exposedCallOf)).toEqual(findings.map(() => undefined))
})

test.each([
  ['one after the other', at(0, 10), at(25, 30), 15],
  ['the other way round', at(25, 30), at(0, 10), 15],
  ['at once', at(0, 10), at(9, 30), 0],
])('two calls %s', (_, a, b, ms) => {
  expect(missMs(a, b)).toBe(ms)
})

describe('predicted collisions', () => {
  test('are none of a single call, nor of entities that are called once', () => {
    const once: Exposure = { calls: 1, orderedPairs: 0, windowMsSum: 10, firstMs: 0, lastMs: 0 }
    expect(collisionsAMonth(once)).toBeUndefined()
    expect(collisionsAMonth({ ...once, calls: 9, lastMs: 1_000 })).toBe(0)
  })

  test('are as many as happen where calls come independently of each other', () => {
    // 50 entities, 1 to 5 calls a minute, windows of up to 400 ms, two days
    const observedMs = 2 * 24 * 3_600_000
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = randomNumbers(seed)
        const { collisions, exposure } = traffic(random, observedMs)
        const predicted = ((collisionsAMonth(exposure) ?? 0) * observedMs) / (30 * 24 * 3_600_000)
        expect(collisions).toBeGreaterThan(1_000)
        // five standard deviations of a count
        expect(Math.abs(predicted - collisions)).toBeLessThan(5 * Math.sqrt(collisions))
      }),
      { numRuns: 5 },
    )
  })
})

function traffic(random: () => number, observedMs: number): { collisions: number; exposure: Exposure } {
  let [calls, orderedPairs, windowMsSum, collisions] = [0, 0, 0, 0]
  for (let number = 0; number < 50; number++) {
    const meanGapMs = 60_000 / (1 + (number % 5))
    let count = 0
    let untilMs: number[] = []
    for (let ms = gap(random, meanGapMs); ms < observedMs; ms += gap(random, meanGapMs)) {
      untilMs = untilMs.filter((until) => until > ms)
      collisions += untilMs.length
      const windowMs = random() * 400
      untilMs.push(ms + windowMs)
      orderedPairs += 2 * count++
      windowMsSum += windowMs
    }
    calls += count
  }
  return { collisions, exposure: { calls, orderedPairs, windowMsSum, firstMs: 0, lastMs: observedMs } }
}

function gap(random: () => number, meanMs: number): number {
  return -Math.log(1 - random()) * meanMs
}

/** Mulberry32: the same numbers for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
