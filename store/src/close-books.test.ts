import fc from 'fast-check'
import { expect, test } from 'vitest'
import { closeBooks, type MinuteTotals, sum } from './close-books.ts'

const at = (minute: number, produced: number, stored: number, dropped = {}): MinuteTotals => ({
  minute: `2026-11-26T12:${String(minute).padStart(2, '0')}:00Z`,
  produced,
  stored,
  dropped,
})
const short = (books: ReturnType<typeof closeBooks>) =>
  books.map(({ produced, stored, dropped, in_flight, unaccounted }) => [
    produced,
    stored,
    sum(dropped),
    in_flight,
    unaccounted,
  ])

test('what came later was in flight, and nothing is unaccounted', () => {
  expect(short(closeBooks(undefined, [at(0, 10, 7), at(1, 20, 20)], 0))).toEqual([
    [10, 7, 0, 3, 0],
    [10, 13, 0, 0, 0],
  ])
})

test('what never came is unaccounted in the minute in which it was produced', () => {
  const minutes = [at(0, 10, 10), at(1, 20, 17), at(2, 30, 26), at(3, 40, 37)]
  // one of minute 2 is on its way when it ends, and comes
  expect(short(closeBooks(undefined, minutes, 3))).toEqual([
    [10, 10, 0, 0, 0],
    [10, 7, 0, 0, 3],
    [10, 9, 0, 1, 0],
    [10, 11, 0, 0, 0],
  ])
})

test('what is missing since a moment ago is in flight as long as nobody says that it is lost', () => {
  expect(short(closeBooks(undefined, [at(0, 10, 10), at(1, 20, 12)], 0))).toEqual([
    [10, 10, 0, 0, 0],
    [10, 2, 0, 8, 0],
  ])
})

test('what was dropped is told by reason, in the minute in which it was', () => {
  const minutes = [at(0, 10, 5, { sampled: 2, queue_full: 3 }), at(1, 20, 14, { sampled: 3, queue_full: 3 })]
  expect(closeBooks(undefined, minutes, 0).map(({ dropped }) => dropped)).toEqual([
    { sampled: 2, queue_full: 3 },
    { sampled: 1 },
  ])
})

test('a process whose beginning is not kept any more counts from the minute before', () => {
  expect(short(closeBooks(at(0, 900, 890), [at(1, 910, 900)], 10))).toEqual([[10, 10, 0, 0, 0]])
})

test('the books of every minute close, and their sum is what is unaccounted', () => {
  const step = fc.record({
    produced: fc.nat(50),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    dropped: fc.nat(5),
    waits: fc.nat(3),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), fc.boolean(), (steps, isSettled) => {
      const arriving: number[] = []
      const minutes: MinuteTotals[] = []
      let [produced, stored, dropped, lost] = [0, 0, 0, 0]
      for (const [minute, { share, waits, ...own }] of steps.entries()) {
        const gone = Math.min(own.dropped, own.produced)
        const arrives = Math.floor((own.produced - gone) * share)
        lost += own.produced - gone - arrives
        arriving[minute + waits] = (arriving[minute + waits] ?? 0) + arrives
        produced += own.produced
        dropped += gone
        stored += arriving[minute] ?? 0
        minutes.push(at(minute, produced, stored, { any: dropped }))
      }
      const late = arriving.slice(steps.length).reduce((all, count) => all + (count ?? 0), 0)
      if (isSettled) minutes.push(at(59, produced, stored + late, { any: dropped }))
      const books = closeBooks(undefined, minutes, lost)
      let before = 0
      for (const minute of books) {
        expect(before + minute.produced).toBe(
          minute.stored + sum(minute.dropped) + minute.unaccounted + minute.in_flight,
        )
        for (const count of [minute.in_flight, minute.unaccounted]) expect(count).toBeGreaterThanOrEqual(0)
        before = minute.in_flight
      }
      const told = books.reduce((all, { unaccounted }) => all + unaccounted, 0)
      expect(told).toBe(lost)
    }),
  )
})
