import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DetectedFinding, StoredEvent } from '../contract/index.ts'
import { judgeArrivals } from './testing/assemble.ts'
import { pairId } from './testing/simulated-truth.ts'
import { simulation } from './testing/simulation.ts'

/** fast-check prints the seed of a failure; put it here to see it again. TRUTH_RUNS asks for more than the few
 *  seconds that every test run can spare. */
const RUNS = { numRuns: Number(process.env.TRUTH_RUNS ?? 1_500) }

const TIMEOUT_MS = 60_000 + RUNS.numRuns * 40

const judged = (events: readonly StoredEvent[]) => [...judgeArrivals([events]).findings.values()]
const proven = (findings: readonly DetectedFinding[], kind: string) =>
  findings.filter((finding) => finding.kind === kind && finding.verdict === 'proven')

/** What the detectors claim, in the words of the simulator. */
function claims(findings: readonly DetectedFinding[]) {
  const pairs = (of: readonly DetectedFinding[], kind: StoredEvent['kind']) =>
    of.map(({ witness }) => {
      const [a = '', b = ''] = witness.events.filter((event) => event.kind === kind).map(({ id }) => id)
      return pairId(a, b)
    })
  const overlaps = findings.filter(({ kind }) => kind === 'lock-void')
  const withVerdict = (wanted: string) => overlaps.filter(({ verdict }) => verdict === wanted)
  return {
    lost: proven(findings, 'lost-update')
      .map(({ witness, fields }): [string, readonly string[]] => [witness.events[0]?.id ?? '', fields])
      .sort(byText),
    split: operationsOf(proven(findings, 'partial-write')),
    orphaned: operationsOf(proven(findings, 'orphaned-operation')),
    overlaps: pairs(withVerdict('proven'), 'section_entered').sort(),
    /** Not proven, and it had better be true all the same. */
    likelyOverlaps: pairs(withVerdict('indeterminate'), 'section_entered').sort(),
    skews: pairs(proven(findings, 'write-skew'), 'write').sort(),
    reorders: reordersOf(proven(findings, 'reordered-sync')),
    likelyReorders: reordersOf(
      findings.filter(({ kind, verdict }) => kind === 'reordered-sync' && verdict !== 'proven'),
    ),
    duplicates: findings
      .filter(({ kind }) => kind === 'duplicate-create')
      .map(({ entity, details }) => `${entity?.id} ${details.external_ids}`)
      .sort(),
  }
}

function operationsOf(findings: readonly DetectedFinding[]): string[] {
  return findings.map(({ cause }) => cause.operation_id ?? '').sort()
}

/** The older sync, which was applied last, and the newer one. */
function reordersOf(findings: readonly DetectedFinding[]): string[] {
  return findings
    .map(({ witness }) => {
      const [newer, older] = witness.events.filter(({ kind }) => kind === 'sync')
      return `${older?.id} ${newer?.id}`
    })
    .sort()
}

/** The verdicts that an alert may rest on. */
function alarming(findings: readonly DetectedFinding[]): string[] {
  return findings
    .filter(({ verdict }) => verdict === 'proven' || verdict === 'observed')
    .map(({ kind, id, fields }) => `${kind} ${id} ${fields}`)
    .sort()
}

/** Whether the system told its revisions of both syncs. */
function hasRevisions(events: readonly StoredEvent[], pair: string): boolean {
  const syncs = events.filter((event) => event.kind === 'sync' && pair.includes(event.id))
  return syncs.every((event) => event.kind === 'sync' && event.external_ordered === true)
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
      expect(lost / operations).toBeGreaterThan(0.01)
      expect(split / operations).toBeGreaterThan(0.01)
    },
    TIMEOUT_MS,
  )

  test(
    'what happened between two operations is found, and nothing else',
    () => {
      const seen = {
        overlaps: 0,
        likelyOverlaps: 0,
        reorders: 0,
        likelyReorders: 0,
        skews: 0,
        duplicates: 0,
        orphaned: 0,
      }
      fc.assert(
        fc.property(simulation, ({ events, truth }) => {
          const found = claims(judged(events))
          expect(found.overlaps).toEqual([...truth.overlaps.sameClock].sort())
          expect(truth.overlaps.twoClocks).toEqual(expect.arrayContaining(found.likelyOverlaps))
          expect(truth.reorders).toEqual(expect.arrayContaining([...found.reorders, ...found.likelyReorders]))
          const shown = truth.shownReorders.filter((pair) => hasRevisions(events, pair))
          expect(found.reorders).toEqual(expect.arrayContaining(shown))
          expect(found.skews).toEqual([...truth.skews].sort())
          expect(found.orphaned).toEqual([...truth.orphans].sort())
          const created = [...truth.created].filter(([, records]) => records.length > 1)
          expect(found.duplicates).toHaveLength(created.length)
          for (const kind of Object.keys(seen) as (keyof typeof seen)[]) seen[kind] += found[kind].length
        }),
        { numRuns: RUNS.numRuns * 2 },
      )
      // an empty truth would be easy to meet
      for (const [kind, count] of Object.entries(seen))
        expect(count, kind).toBeGreaterThan(RUNS.numRuns / 1_500)
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
        fc.record({ events: fc.constant(events), dropped: fc.subarray([...events], { maxLength: 3 }) }),
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
