import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DetectedFinding, StoredEvent } from '../contract/index.ts'
import { judgeArrivals } from './testing/assemble.ts'
import { expectedOf, wrongVerdicts } from './testing/oracle.ts'
import { simulation } from './testing/simulation.ts'

/** fast-check prints the seed of a failure; put it here to see it again. TRUTH_RUNS asks for more than the few
 *  seconds that every test run can spare. */
const RUNS = { numRuns: Number(process.env.TRUTH_RUNS ?? 1_500) }

const TIMEOUT_MS = 60_000 + RUNS.numRuns * 40

const judged = (events: readonly StoredEvent[]) => [
  ...judgeArrivals([events], { looks: true }).findings.values(),
]

/** How often each has to happen in a hundred operations: an empty truth would be easy to meet. */
const AT_LEAST = {
  'proven lost-update': 1,
  'proven write-conflict': 1,
  'proven partial-write': 1,
  'proven orphaned-operation': 1,
  'proven lock-void': 1,
  'observed unobserved-write': 0.3,
  'proven reordered-sync': 0.1,
  'proven write-skew': 0.05,
  'hazard lost-update': 0.1,
  'indeterminate duplicate-create': 0.02,
}

/** The verdicts that an alert may rest on. */
function alarming(findings: readonly DetectedFinding[]): string[] {
  return findings
    .filter(({ verdict }) => verdict === 'proven' || verdict === 'observed')
    .map(({ kind, id, fields }) => `${kind} ${id} ${fields}`)
    .sort()
}

/** Ids with their verdicts and fields, in order; a hazard of a function shows whichever call came last. */
function verdicts(findings: Iterable<DetectedFinding>): string[] {
  return [...findings]
    .map(({ id, kind, verdict, fields }) => `${kind} ${id} ${verdict} ${verdict === 'hazard' ? '' : fields}`)
    .sort()
}

describe('against simulated truth', () => {
  test(
    'what happened is found, and nothing else',
    () => {
      const seen = new Map<string, number>()
      let operations = 0
      fc.assert(
        fc.property(simulation, ({ programs, ...simulated }) => {
          const expected = expectedOf(simulated)
          expect(wrongVerdicts(judged(simulated.events), expected, { whole: true })).toEqual([])
          operations += programs.length
          for (const claim of expected.must) {
            const [verdict, kind] = claim.split(' ')
            seen.set(`${verdict} ${kind}`, (seen.get(`${verdict} ${kind}`) ?? 0) + 1)
          }
        }),
        { numRuns: RUNS.numRuns * 2 },
      )
      for (const [claim, share] of Object.entries(AT_LEAST))
        expect((seen.get(claim) ?? 0) / operations, claim).toBeGreaterThan(share / 100)
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
          const { findings, retracted } = judgeArrivals([...batches, events], { looks: true })
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
          expect(alarming(judged(events))).toEqual(expect.arrayContaining(alarming(judged(kept))))
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
        fc.record({
          events: fc.constant(events),
          dropped: fc.subarray([...events], { maxLength: Math.min(3, events.length) }),
        }),
      )
      fc.assert(
        fc.property(lossy, ({ events, dropped }) => {
          const some = judged(events.filter((event) => !dropped.includes(event)))
          expect(alarming(judged(events))).toEqual(expect.arrayContaining(alarming(some)))
        }),
        RUNS,
      )
    },
    TIMEOUT_MS,
  )
})
