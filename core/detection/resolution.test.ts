import { describe, expect, test } from 'vitest'
import type { DetectedFinding, Finding, StoredEvent } from '../contract/index.ts'
import type { OperationHistory } from './history.ts'
import { detectOperation, resolvePartialWrite, resolveUnknownOutcome, settled } from './index.ts'
import {
  cleanWrite,
  finished,
  history,
  incomplete,
  laterEvents,
  type Step,
  startedFor,
  sync,
  token,
  transactionFinished,
  write,
} from './testing/history-builder.ts'

function only(whole: OperationHistory, kind: DetectedFinding['kind']): DetectedFinding {
  const found = detectOperation(whole).findings.filter((finding) => finding.kind === kind)
  expect(found).toHaveLength(1)
  return found[0] as DetectedFinding
}

const later = (...steps: readonly Step[]) => laterEvents(1_000, ...steps)
/** The same, from a process whose clock may be off. */
const elsewhere = (afterMs: number, ...steps: readonly Step[]): StoredEvent[] =>
  laterEvents(afterMs, ...steps).map((event) => ({
    ...event,
    process_id: '018f0000-0000-4000-8000-0000000000aa',
  }))
const next = {
  base_version: token('3'),
  known_versions: [token('3')],
  overwritten_version: token('3'),
  version: token('4'),
}

describe('a partial write is over', () => {
  const split = only(
    history(
      startedFor('ats'),
      cleanWrite('name', 'Ann', 'Anna'),
      sync('rejected', { name: 'Anna' }),
      finished(),
    ),
    'partial-write',
  )
  const cases: [string, readonly StoredEvent[]][] = [
    ['when the same values are acknowledged later', later(sync('ok', { name: 'Anna' }))],
    [
      'when a later version of the row is acknowledged',
      later(cleanWrite('name', 'Anna', 'Anne', next), sync('ok', { name: 'Anne' })),
    ],
    [
      'when a version after that is acknowledged, in any order of arrival',
      later(
        sync('ok', { name: 'Ana' }),
        cleanWrite('name', 'Anne', 'Ana', { overwritten_version: token('4'), version: token('5') }),
        cleanWrite('name', 'Anna', 'Anne', next),
      ),
    ],
    [
      'when a payload of that version is acknowledged, however it spells its values',
      later(sync('ok', { name: 'ANNA' }, { version: token('3') })),
    ],
    [
      'when another process sends that version, whatever its clock says',
      elsewhere(1, sync('ok', { name: 'ANNA' }, { version: token('3') })),
    ],
    [
      'when another process sends the same values long after',
      elsewhere(60_000, sync('ok', { name: 'Anna' })),
    ],
    [
      'when the row and its copy are deleted',
      later(
        write({}, { ...next, action: 'delete', version: undefined }),
        sync('ok', {}, { action: 'delete' }),
      ),
    ],
  ]
  test.each(cases)('%s', (_, events) => {
    expect(resolvePartialWrite(split, events)).toMatchObject({
      why: expect.stringContaining('ats acknowledged'),
    })
  })

  test.each<[string, readonly StoredEvent[]]>([
    ['before anything happened', []],
    ['by what the finding rests on', split.witness.events],
    ['when the next attempt is rejected too', later(sync('rejected', { name: 'Anna' }))],
    ['when nobody knows what became of the next attempt', later(sync('unknown', { name: 'Anna' }))],
    ['when another system acknowledges', later(sync('ok', { name: 'Anna' }, { system: 'crm' }))],
    [
      'when another entity is acknowledged',
      later(sync('ok', { name: 'Anna' }, { entity: { type: 'candidate', id: 'c-18' } })),
    ],
    ['when the field is not among what was sent', later(sync('ok', { phone: '1' }))],
    ['when another value was sent', later(sync('ok', { name: 'Bob' }))],
    [
      'when a value was sent that no committed write of the chain made',
      later(
        cleanWrite('name', 'Anna', 'Anne', { ...next, outcome: 'rejected' }),
        sync('ok', { name: 'Anne' }),
      ),
    ],
    [
      'when a value was sent that another row version made',
      later(
        cleanWrite('name', 'x', 'Anne', { overwritten_version: token('8'), version: token('9') }),
        sync('ok', { name: 'Anne' }),
      ),
    ],
    [
      'when another process sent the same value at about the same time',
      elsewhere(1_000, sync('ok', { name: 'Anna' })),
    ],
    ['when only the copy is deleted', later(sync('ok', {}, { action: 'delete' }))],
  ])('but not %s', (_, events) => {
    expect(resolvePartialWrite(split, events)).toBeUndefined()
  })

  test('only when every field is there', () => {
    const changes = { name: ['a', 'a', 'b', 'value'], phone: ['1', '1', '2', 'value'] } as const
    const wide = only(
      history(startedFor('ats'), write(changes, { overwritten_version: token('1') }), finished()),
      'partial-write',
    )
    expect(resolvePartialWrite(wide, later(sync('ok', { name: 'b' })))).toBeUndefined()
    expect(resolvePartialWrite(wide, later(sync('ok', { name: 'b', phone: '2' })))).toBeDefined()
  })

  test('not by what was sent before the transaction was committed', () => {
    const inTransaction = only(
      history(
        startedFor('ats'),
        cleanWrite('name', 'Ann', 'Anna', { transaction: 't1' }),
        finished({ monotonic_us: 5_000_000 }),
      ),
      'partial-write',
    )
    expect(resolvePartialWrite(inTransaction, later(sync('ok', { name: 'Anna' })))).toBeUndefined()
    expect(resolvePartialWrite(inTransaction, laterEvents(9_000, sync('ok', { name: 'Anna' })))).toBeDefined()
  })

  test('within a process that is made of spans only well after: its clock may have been set', () => {
    const bySpans = (events: readonly StoredEvent[]) =>
      events.map((event) => ({ ...event, process_id: '018f0000-0000-8000-8000-000000000001' }))
    const shown = { ...split, witness: { events: bySpans(split.witness.events) } }
    const sent = (afterMs: number) => bySpans(laterEvents(afterMs, sync('ok', { name: 'Anna' })))
    expect(resolvePartialWrite(shown, sent(1_000))).toBeUndefined()
    expect(resolvePartialWrite(shown, sent(60_000))).toBeDefined()
  })
})

describe('what the database rejected and the other side took is over', () => {
  const split = only(
    history(
      startedFor('ats'),
      sync('ok', { name: 'Anna' }),
      cleanWrite('name', 'Ann', 'Anna', { outcome: 'rejected' }),
      finished(),
    ),
    'partial-write',
  )
  test.each<[string, boolean, readonly StoredEvent[]]>([
    ['when the database takes it later', true, later(cleanWrite('name', 'Ann', 'Anna'))],
    ['when what the database holds is sent again', true, later(sync('ok', { name: 'Ann' }))],
    [
      'when what the database holds since is sent',
      true,
      later(cleanWrite('name', 'Ann', 'Bob'), sync('ok', { name: 'Bob' })),
    ],
    ['not when the same is sent again', false, later(sync('ok', { name: 'Anna' }))],
    ['not when the database takes something else', false, later(cleanWrite('name', 'Ann', 'Bob'))],
  ])('%s', (_, over, events) => {
    expect(resolvePartialWrite(split, events) !== undefined).toBe(over)
  })
})

describe('an unknown outcome is over', () => {
  const unknownSync = only(
    history(startedFor('ats'), sync('unknown', { name: 'Anna' }, { version: token('3') })),
    'unknown-outcome',
  )
  const unknownCommit = only(
    history(
      startedFor('ats'),
      cleanWrite('name', 'Ann', 'Anna', { outcome: 'unknown', transaction: 't1' }),
      transactionFinished('t1', 'unknown'),
    ),
    'unknown-outcome',
  )
  test.each<[string, boolean, DetectedFinding, readonly StoredEvent[]]>([
    ['when the same values are acknowledged later', true, unknownSync, later(sync('ok', { name: 'Anna' }))],
    [
      'when later values are acknowledged',
      true,
      unknownSync,
      later(cleanWrite('name', 'Anna', 'Anne', next), sync('ok', { name: 'Anne' })),
    ],
    ['not when others are', false, unknownSync, later(sync('ok', { name: 'Anne' }))],
    ['not when the next one is unknown too', false, unknownSync, later(sync('unknown', { name: 'Anna' }))],
    [
      'when a later write shows that the commit had happened',
      true,
      unknownCommit,
      later(cleanWrite('name', 'Anna', 'Anne', next)),
    ],
    [
      'not when a later write replaced another version',
      false,
      unknownCommit,
      later(cleanWrite('name', 'Ann', 'Anne')),
    ],
    [
      'not when the later write was rolled back',
      false,
      unknownCommit,
      later(cleanWrite('name', 'Anna', 'Anne', { ...next, outcome: 'rejected' })),
    ],
  ])('%s', (_, over, finding, events) => {
    expect(resolveUnknownOutcome(finding, events) !== undefined).toBe(over)
  })
})

describe('an indeterminate finding of an operation', () => {
  const whole = history(
    startedFor('ats'),
    cleanWrite('name', 'Ann', 'Anna'),
    sync('ok', { name: 'Anna' }),
    finished(),
  )
  const early = detectOperation(
    incomplete({ ...whole, events: whole.events.filter(({ kind }) => kind !== 'sync') }),
  ).findings
  const stored = early.map(
    (finding): Finding => ({
      ...finding,
      status: 'open',
      first_seen_at: '',
      last_seen_at: '',
      occurrences: 1,
    }),
  )
  const now = detectOperation(whole).findings

  test('is over once more events no longer show it', () => {
    expect(early.map(({ kind, verdict }) => [kind, verdict])).toEqual([['partial-write', 'indeterminate']])
    expect(settled(whole, stored, now)).toMatchObject([
      { id: stored[0]?.id, resolution: { at: whole.events.at(-1)?.at } },
    ])
  })

  test('stays while it is shown', () => {
    expect(settled(whole, stored, early)).toEqual([])
  })

  test('is none of the business of another operation', () => {
    expect(settled({ ...whole, operationId: 'another' }, stored, now)).toEqual([])
  })

  test('but not one that rests on another operation, which was only not looked at this time', () => {
    const overlap = stored.map((finding) => ({ ...finding, kind: 'lock-void' as const }))
    expect(settled(whole, overlap, now)).toEqual([])
  })

  test('is left alone where it is proven or over', () => {
    expect(
      settled(
        whole,
        stored.map((finding) => ({ ...finding, verdict: 'proven' })),
        now,
      ),
    ).toEqual([])
    expect(
      settled(
        whole,
        stored.map((finding) => ({ ...finding, status: 'resolved' })),
        now,
      ),
    ).toEqual([])
  })
})
