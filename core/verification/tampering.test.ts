import { describe, expect, test } from 'vitest'
import type { DetectedFinding, StoredEvent } from '../contract/index.ts'
import { verifyFinding } from './index.ts'
import { realFindings } from './testing/real-findings.ts'
import { tamperedEvents, tamperings } from './testing/tampering.ts'
import { UNHEEDED, WHY } from './testing/unheeded.ts'

const cases = Object.entries(realFindings)
const isVerified = (finding: unknown) => verifyFinding(finding).result === 'verified'

function withEvents(finding: DetectedFinding, events: readonly StoredEvent[]): unknown {
  return { ...finding, witness: { events } }
}

describe('a witness in which one place was changed or taken out is not verified', () => {
  test.each(Object.keys(UNHEEDED))('of a %s, but for what its proof does not rest on', (kind) => {
    const survived = cases
      .filter(([, finding]) => finding.kind === kind)
      .flatMap(([, finding]) => tamperedEvents(finding))
      .filter(({ value }) => isVerified(value))
      .map(({ path }) => path)
    expect([...new Set(survived)].sort()).toEqual([...(UNHEEDED[kind] ?? [])].sort())
  })

  test('and why it does not rest on it is written down', () => {
    const members = Object.values(UNHEEDED).flatMap((paths) => paths.map((path) => path.split('.')[1] ?? ''))
    expect(Object.keys(WHY).sort()).toEqual([...new Set(members)].sort())
  })
})

describe('a finding that says something else than its witness is refuted', () => {
  /** What no event tells: the sentence, how bad it is, and what the output names as taken on trust. */
  const untold = [
    'summary',
    'severity',
    'cause.operation',
    'cause.trace_id',
    'cause.service',
    'cause.release',
  ]
  test.each(cases)('%s', (name, finding) => {
    const { witness, ...said } = finding
    const survived = tamperings(said)
      .filter(({ value }) => isVerified({ ...(value as object), witness }))
      .map(({ path }) => path)
    // how long two sections were held at once is left to the reader of the events
    const allowed = name === 'lock-void, overlap' ? [...untold, 'details.overlap_ms'] : untold
    expect(allowed).toEqual(expect.arrayContaining(survived))
  })

  test('how bad an orphan is follows from its events', () => {
    expect(isVerified({ ...realFindings['orphaned-operation'], severity: 'low' })).toBe(false)
  })

  test('the function is checked where its start is in the witness', () => {
    const finding = realFindings['partial-write, rejected']
    expect(isVerified({ ...finding, cause: { ...finding?.cause, operation: 'another' } })).toBe(false)
  })
})

describe('a witness that lacks an event is not verified', () => {
  /** Of two writes or two attempts either may be enough; that the other one did not happen is on trust. */
  const enough: Readonly<Record<string, readonly number[]>> = {
    'partial-write, an older value got through': [1, 2],
    'partial-write, a new row, noted to have failed': [3],
  }
  test.each(cases)('%s', (name, finding) => {
    const { events } = finding.witness
    const survived = events.flatMap((_, index) =>
      isVerified(withEvents(finding, events.toSpliced(index, 1))) ? [index] : [],
    )
    expect(survived).toEqual(enough[name] ?? [])
  })
})

describe('a witness with an event of another finding is not verified', () => {
  const foreignTo = (name: string): readonly StoredEvent[] => {
    const others = cases.filter(([other]) => other !== name).flatMap(([, { witness }]) => witness.events)
    return JSON.parse(JSON.stringify(others).replaceAll('018f0000', '018f1111'))
  }
  test.each(cases)('%s', (name, finding) => {
    const { events } = finding.witness
    for (const other of foreignTo(name)) {
      expect(isVerified(withEvents(finding, [...events, other]))).toBe(false)
      for (const [index, { kind }] of events.entries())
        if (kind === other.kind)
          expect(isVerified(withEvents(finding, events.with(index, other)))).toBe(false)
    }
  })

  test.each(cases)('%s: nor one in which an event stands twice', (_, finding) => {
    const { events } = finding.witness
    for (const event of events) expect(isVerified(withEvents(finding, [...events, event]))).toBe(false)
  })
})
