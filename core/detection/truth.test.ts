import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DetectedFinding, StoredEvent } from '../contract/index.ts'
import { judgeArrivals } from './testing/assemble.ts'
import { ANSWERS, GUARDS, type Program, REACTIONS, SHAPES, STYLES } from './testing/simulated-world.ts'
import { simulate } from './testing/simulator.ts'

/** fast-check prints the seed of a failure; put it here to see it again. TRUTH_RUNS asks for more than the few
 *  seconds that every test run can spare. */
const RUNS = { numRuns: Number(process.env.TRUTH_RUNS ?? 1_500) }

const TIMEOUT_MS = 60_000 + RUNS.numRuns * 40

const program: fc.Arbitrary<Program> = fc.record({
  row: fc.constantFrom(0, 0, 0, 1),
  process: fc.nat(1),
  style: fc.constantFrom('spread' as const, ...STYLES),
  field: fc.constantFrom('a', 'b'),
  value: fc.nat(2),
  guard: fc.constantFrom('none' as const, 'none' as const, ...GUARDS),
  fate: fc.constantFrom(
    'commit' as const,
    'commit',
    'commit',
    'commit',
    'roll_back',
    'unknown_committed',
    'unknown_rolled_back',
  ),
  shape: fc.constantFrom('flat' as const, ...SHAPES),
  answers: fc.array(fc.constantFrom('ok' as const, 'rejected', ...ANSWERS), { minLength: 2, maxLength: 2 }),
  reaction: fc.constantFrom(...REACTIONS),
  syncs: fc.constantFrom([{ system: 'ats' }], [{ system: 'ats' }], [{ system: 'ats', async: true }], []),
})
const simulation = fc
  .record({
    programs: fc.array(program, { minLength: 1, maxLength: 5 }),
    schedule: fc.array(fc.nat(9), { minLength: 60, maxLength: 120, size: 'max' }),
  })
  .map(({ programs, schedule }) => ({ programs, ...simulate(programs, schedule) }))

const judged = (events: readonly StoredEvent[]) => [...judgeArrivals([events]).findings.values()]
const proven = (findings: readonly DetectedFinding[], kind: string) =>
  findings.filter((finding) => finding.kind === kind && finding.verdict === 'proven')

/** What the detectors prove, in the words of the simulator. */
function claims(findings: readonly DetectedFinding[]): {
  lost: [string, readonly string[]][]
  split: string[]
} {
  return {
    lost: proven(findings, 'lost-update')
      .map(({ witness, fields }): [string, readonly string[]] => [witness.events[0]?.id ?? '', fields])
      .sort(byText),
    split: proven(findings, 'partial-write')
      .map(({ cause }) => cause.operation_id ?? '')
      .sort(),
  }
}

function byText(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}

/** Ids with their verdicts and fields, in order; a hazard of a function shows whichever call came last. */
function verdicts(findings: Iterable<DetectedFinding>): string[] {
  return [...findings]
    .map(({ id, kind, verdict, fields }) => `${kind} ${id} ${verdict} ${verdict === 'hazard' ? '' : fields}`)
    .sort()
}

describe('against simulated truth', () => {
  test(
    'every lost update and every partial write that happened is proven, and nothing else',
    () => {
      let lost = 0
      let split = 0
      let operations = 0
      fc.assert(
        fc.property(simulation, ({ programs, events, truth }) => {
          operations += programs.length
          lost += truth.lostUpdates.size
          split += truth.partialWrites.size
          const { lost: claimedLost, split: claimedSplit } = claims(judged(events))
          const decidable = (id: string) => !truth.beyondEvents.has(id)
          expect(claimedLost).toEqual([...truth.lostUpdates].sort(byText))
          expect([...truth.partialWrites]).toEqual(expect.arrayContaining(claimedSplit))
          expect(claimedSplit.filter(decidable)).toEqual([...truth.partialWrites].filter(decidable).sort())
        }),
        { numRuns: RUNS.numRuns * 2 },
      )
      // an empty truth would be easy to meet
      expect(lost / operations).toBeGreaterThan(0.03)
      expect(split / operations).toBeGreaterThan(0.03)
    },
    TIMEOUT_MS,
  )

  test(
    'order, duplicates and batches of arrival change no verdict, and nothing proven is taken back',
    () => {
      const arrival = simulation.chain(({ events }) =>
        fc.record({
          events: fc.constant(events),
          shuffled: fc.shuffledSubarray([...events, ...events.slice(0, 5)], { minLength: events.length }),
          cuts: fc.array(fc.nat(events.length), { maxLength: 5 }),
        }),
      )
      fc.assert(
        fc.property(arrival, ({ events, shuffled, cuts }) => {
          const bounds = [0, ...cuts.sort((a, b) => a - b), shuffled.length]
          const batches = bounds.map((start, index) => shuffled.slice(start, bounds[index + 1] ?? start))
          const { findings, retracted } = judgeArrivals([...batches, events])
          expect(retracted).toEqual([])
          expect(verdicts(findings.values())).toEqual(verdicts(judged(events)))
        }),
        RUNS,
      )
    },
    TIMEOUT_MS,
  )

  test(
    'events that are lost on the way never prove anything more',
    () => {
      const lossy = simulation.chain(({ events }) =>
        fc.record({ events: fc.constant(events), kept: fc.subarray([...events]) }),
      )
      fc.assert(
        fc.property(lossy, ({ events, kept }) => {
          const all = claims(judged(events))
          const some = claims(judged(kept))
          expect(all.lost).toEqual(expect.arrayContaining(some.lost))
          expect(all.split).toEqual(expect.arrayContaining(some.split))
        }),
        RUNS,
      )
    },
    TIMEOUT_MS,
  )

  test(
    'nor do a few',
    () => {
      const lossy = simulation.chain(({ events }) =>
        fc.record({ events: fc.constant(events), dropped: fc.subarray([...events], { maxLength: 3 }) }),
      )
      fc.assert(
        fc.property(lossy, ({ events, dropped }) => {
          const all = claims(judged(events))
          const some = claims(judged(events.filter((event) => !dropped.includes(event))))
          expect(all.lost).toEqual(expect.arrayContaining(some.lost))
          expect(all.split).toEqual(expect.arrayContaining(some.split))
        }),
        RUNS,
      )
    },
    TIMEOUT_MS,
  )
})
