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
  const foreign: readonly StoredEvent[] = JSON.parse(
    JSON.stringify(cases.flatMap(([, { witness }]) => witness.events)).replaceAll('018f0000', '018f1111'),
  )
  test.each(cases)('%s', (_, finding) => {
    const { events } = finding.witness
    for (const other of foreign) {
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

describe('what fails is named', () => {
  const change = (name: string, kind: string, change: object) => {
    const finding = realFindings[name]
    if (!finding) throw new Error(name)
    const events = finding.witness.events.map((event) =>
      event.kind === kind ? { ...event, ...change } : event,
    )
    return verifyFinding({ ...finding, witness: { events } })
  }
  const known = 'xmin/7%2Fapp/candidates/c-17/2'
  test.each<[string, string, object, RegExp]>([
    ['lost-update, set back', 'write', { outcome: 'unknown' }, /was applied/],
    ['lost-update, set back', 'write', { transaction: undefined }, /transaction .* is known/],
    ['lost-update, set back', 'write', { rows_over_limit: 2 }, /one row/],
    ['lost-update, set back', 'write', { overwritten_by_self: true }, /not of its own transaction/],
    ['lost-update, set back', 'write', { known_incomplete: true }, /known in full/],
    ['lost-update, set back', 'write', { known_versions: [], base_version: undefined }, /had seen the row/],
    ['lost-update, set back', 'write', { base_version: known }, /none that its operation had seen/],
    ['lost-update, set back', 'write', { base_version: 'column/a/b/c/1' }, /can be compared/],
    ['lost-update, set back', 'write', { version: known }, /another version/],
    ['lost-update, set back', 'write', { assigned: { email: 'supplied' } }, /a field had changed/],
    ['write-conflict', 'write', { assigned: { email: 'value' } }, /No field was set back/],
    ['write-conflict', 'write', { assigned: { email: 'last_write_wins' } }, /who writes last/],
    [
      'lock-void, foreign version',
      'write',
      { section: { name: 'rescore', base_read_inside: false } },
      /read the row itself/,
    ],
    ['lock-void, holds nothing', 'section_entered', { locked: true }, /no transaction id/],
    ['lock-void, holds nothing', 'section_entered', { protection: 'advisory_lock' }, /row lock/],
    ['partial-write, rejected', 'operation_finished', { in_flight: 1 }, /unanswered/],
    [
      'partial-write, rejected',
      'operation_started',
      { syncs: [{ system: 'ats', async: true }] },
      /must reach ats/,
    ],
    ['partial-write, rejected', 'sync', { outcome: 'unknown' }, /No answer is missing/],
    ['partial-write, rejected', 'sync', { outcome: 'ok' }, /last attempt was rejected/],
    [
      'partial-write, rejected',
      'sync',
      { fields: { views: 'key1.auto.7' } },
      /something of what was written/,
    ],
    ['partial-write, rejected', 'write', { fields: { email: 'key1.auto.a' } }, /changed the row/],
    ['reordered-sync, by revisions', 'sync', { external_version: '8' }, /applied last/],
    ['reordered-sync, by revisions', 'sync', { fields: { email: 'key1.auto.a' } }, /different values/],
    ['reordered-sync, by the clock of one process', 'sync', { attempt: 2 }, /applied last/],
    ['reordered-sync, by the clock of one process', 'sync', { idempotency_key: 'k' }, /applied last/],
    [
      'reordered-sync, by revisions',
      'operation_started',
      { root_operation_id: '018f0000-0000-4000-9000-000000000000' },
      /own root/,
    ],
    ['write-skew', 'operation_finished', { calls: 1 }, /called none/],
    ['write-skew', 'read', { transaction: undefined }, /and tells its transaction/],
    ['write-skew', 'write', { transaction: 'tx-9' }, /different transactions/],
    ['orphaned-operation', 'process_ended', { last_seq: 0 }, /last one that the process produced/],
  ])('%s, %s %j', (name, kind, changed, must) => {
    expect(change(name, kind, changed)).toMatchObject({
      result: 'refuted',
      step: { must: expect.stringMatching(must), because: expect.any(String), holds: false },
    })
  })
})
