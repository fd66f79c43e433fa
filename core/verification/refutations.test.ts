import { expect, test } from 'vitest'
import type { DetectedFinding, StoredEvent } from '../contract/index.ts'
import {
  beside,
  finished,
  history,
  operation,
  section,
  started,
} from '../detection/testing/history-builder.ts'
import { verifyFinding } from './index.ts'
import { realFindings, theOne } from './testing/real-findings.ts'

/** Each rule broken alone, and named as the one that does not hold. */
type Change = object | ((event: StoredEvent, index: number) => object)
type Case = readonly [name: string, kind: string, change: Change, must: RegExp]

function changed(name: string, kind: string, change: Change): DetectedFinding {
  const finding = realFindings[name]
  if (!finding) throw new Error(name)
  let index = 0
  const events = finding.witness.events.map((event) =>
    kind === '*' || event.kind === kind
      ? ({ ...event, ...(typeof change === 'function' ? change(event, index++) : change) } as StoredEvent)
      : event,
  )
  return { ...finding, witness: { events } }
}

const token = (value: string) => `xmin/7%2Fapp/candidates/c-17/${value}`
const first = '018f0000-0000-4000-9000-000000000000'
/** Of the second of two operations of a test. */
const ofSecond = (change: object) => (event: StoredEvent) => (event.seq >= 1_000 ? change : {})
/** A process whose telemetry was made from spans. */
const spans = '018f0000-0000-8000-8000-000000000001'
const underOneRoot = ofSecond({ root_operation_id: first, parent_operation_id: first })

const lostUpdate: readonly Case[] = (
  [
    [{ outcome: 'unknown' }, /was applied/],
    [{ transaction: undefined }, /transaction .* is known/],
    [{ rows_over_limit: 2 }, /one row/],
    [{ overwritten_version: undefined }, /names the version/],
    [{ overwritten_version: 'none' }, /names the version/],
    [{ overwritten_by_self: true }, /not of its own transaction/],
    [{ known_incomplete: true }, /known in full/],
    [{ known_versions: [], base_version: undefined }, /had seen the row/],
    [{ base_version: token('2') }, /none that its operation had seen/],
    [{ base_version: 'column/a/b/c/1' }, /can be compared/],
    [{ version: token('2') }, /another version/],
    [{ assigned: { email: 'supplied' } }, /a field had changed/],
  ] as const
).map(([change, must]) => ['lost-update, set back', 'write', change, must])

const overlap: readonly Case[] = (
  [
    [
      'section_left',
      (_: StoredEvent, index: number) => (index === 0 ? { seq: 9 } : {}),
      /two ends of one run/,
    ],
    ['*', ofSecond({ name: 'merge' }), /one section/],
    ['*', { protection: 'version' }, /keep others out/],
    ['operation_started', underOneRoot, /not of one call/],
    ['*', { transaction: 'tx-1' }, /different transactions/],
    ['*', ofSecond({ process_id: first }), /one process/],
    ['*', { process_id: spans }, /monotonic clock/],
    [
      '*',
      (event: StoredEvent) => ofSecond({ monotonic_us: event.monotonic_us + 9_000 })(event),
      /before the other one left/,
    ],
  ] as const
).map(([kind, change, must]) => ['lock-void, overlap', kind, change, must])

const split: readonly Case[] = [
  ['partial-write, rejected', 'operation_finished', { in_flight: 1 }, /unanswered/],
  [
    'partial-write, rejected',
    'operation_finished',
    { operation_id: '018f0000-0000-4000-9000-00000000beef' },
    /of one operation/,
  ],
  ['partial-write, rejected', 'operation_finished', { seq: 1 }, /sequence number/],
  [
    'partial-write, rejected',
    'operation_started',
    { syncs: [{ system: 'ats', async: true }] },
    /must reach ats/,
  ],
  ['partial-write, rejected', 'write', { transaction: undefined }, /transaction and the row/],
  ['partial-write, rejected', 'write', { rows_over_limit: 9 }, /transaction and the row/],
  [
    'partial-write, rejected',
    'write',
    { entity: { type: 'candidate', id: 'c-18' } },
    /Every write is of candidate c-17/,
  ],
  [
    'partial-write, rejected',
    'sync',
    { entity: { type: 'candidate', id: 'c-18' } },
    /Every sync is of candidate c-17/,
  ],
  [
    'partial-write, rejected',
    'sync',
    { on_behalf_of: '018f0000-0000-4000-9000-00000000beef' },
    /serves this operation/,
  ],
  ['partial-write, rejected', 'sync', { outcome: 'unknown' }, /No answer is missing/],
  ['partial-write, rejected', 'sync', { outcome: 'ok' }, /last attempt was rejected/],
  ['partial-write, rejected', 'sync', { fields: { views: 'key1.auto.7' } }, /something of what was written/],
  ['partial-write, rejected', 'write', { fields: { email: 'key1.auto.a' } }, /changed the row/],
  [
    'partial-write, an older value got through',
    'write',
    { duration_us: 900_000, version: token('7'), overwritten_version: token('5') },
    /followed one another/,
  ],
  [
    'partial-write, an older value got through',
    'sync',
    { fields: { name: 'key1.auto.c' } },
    /brought what the rejected/,
  ],
  [
    'partial-write, an older value got through',
    'write',
    (_, index) => ({ outcome: index === 0 ? 'rejected' : 'ok' }),
    /Every write was committed/,
  ],
  [
    'partial-write, an older value got through',
    'sync',
    (_, index) => ({ monotonic_us: index === 0 ? 50_000 : 3_000 }),
    /last attempt was rejected/,
  ],
  ['partial-write, rejected by the database', 'sync', { outcome: 'rejected' }, /acknowledged a sync/],
  ['partial-write, rejected by the database', 'sync', { fields: { phone: 'key1.auto.1' } }, /carried what/],
  ['partial-write, rejected by the database', 'sync', { action: 'delete' }, /carried what/],
  [
    'partial-write, rejected by the database',
    'write',
    { overwritten_fields: { name: 'key1.auto.Anna' } },
    /held something else/,
  ],
  [
    'partial-write, rejected by the database',
    'write',
    { overwritten_fields: undefined, base_fields: undefined },
    /what the row held instead/,
  ],
]

const rest: readonly Case[] = [
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
  ['reordered-sync, by revisions', 'sync', { external_version: '8' }, /applied last/],
  ['reordered-sync, by revisions', 'sync', { fields: { email: 'key1.auto.a' } }, /different values/],
  ['reordered-sync, by revisions', 'sync', { outcome: 'unknown' }, /was acknowledged/],
  ['reordered-sync, by revisions', 'sync', ofSecond({ system: 'crm' }), /one record of one system/],
  [
    'reordered-sync, by revisions',
    'sync',
    (_, index) => ({ external_id: `r-${index}` }),
    /one record of one system/,
  ],
  ['reordered-sync, by revisions', 'write', { action: 'delete' }, /made a new version/],
  [
    'reordered-sync, by revisions',
    'write',
    (event) => (event.seq < 1_000 ? { overwritten_version: token('3') } : {}),
    /came before the other/,
  ],
  ['reordered-sync, by revisions', 'operation_started', underOneRoot, /not of one call/],
  ['reordered-sync, by revisions', 'operation_started', { root_operation_id: first }, /own root/],
  [
    'reordered-sync, of a payload that names no version',
    'operation_finished',
    { calls: 1 },
    /called no other/,
  ],
  [
    'reordered-sync, of a payload that names no version',
    'operation_finished',
    { in_flight: 1 },
    /unanswered/,
  ],
  [
    'reordered-sync, of a payload that names no version',
    'operation_started',
    { parent_operation_id: first },
    /no other one called it/,
  ],
  [
    'reordered-sync, of a payload that names no version',
    'write',
    (event) => (event.seq < 1_000 ? { seq: event.seq + 900 } : {}),
    /between the two/,
  ],
  [
    'reordered-sync, of a payload that names no version',
    'sync',
    (event) => (event.kind === 'sync' && event.version === undefined ? { monotonic_us: 0 } : {}),
    /was not sent before/,
  ],
  ['reordered-sync, by revisions', 'sync', { attempt: 2 }, /applied last/],
  ['reordered-sync, by revisions', 'sync', { idempotency_key: 'k' }, /applied last/],
  ['reordered-sync, by the clock of one process', 'sync', { attempt: 2 }, /applied last/],
  ['reordered-sync, by the clock of one process', 'sync', { idempotency_key: 'k' }, /applied last/],
  ['reordered-sync, by the clock of one process', '*', ofSecond({ process_id: first }), /applied last/],
  ['reordered-sync, by the clock of one process', '*', { process_id: spans }, /applied last/],
  ['write-skew', 'operation_finished', { calls: 1 }, /called none/],
  ['write-skew', 'read', { transaction: undefined }, /tells its transaction/],
  ['write-skew', 'read', { found: false }, /found the row/],
  ['write-skew', 'write', { transaction: 'tx-9' }, /different transactions/],
  ['write-skew', 'write', { version: undefined }, /names the new version/],
  ['write-skew', 'operation_started', underOneRoot, /called by none/],
  ['write-skew', '*', { entity: { type: 'doctor', id: 'd-1' } }, /another row than its own/],
  ['write-skew', 'read', { monotonic_us: 90_000 }, /before its own operation's write/],
  ['orphaned-operation', 'process_ended', { last_seq: 0 }, /last one that the process produced/],
  ['contract-violation', 'contract_violated', { issues: [] }, /at least one issue/],
  ['contract-violation', 'contract_violated', { kind: 'toString' }, /shape/],
]

test.each([...lostUpdate, ...overlap, ...split, ...rest])('%s: %s %j', (name, kind, change, must) => {
  expect(verifyFinding(changed(name, kind, change))).toMatchObject({
    result: 'refuted',
    step: { must: expect.stringMatching(must), because: expect.any(String), holds: false },
  })
})

test('two operations that overlapped are told apart, whatever else they share', () => {
  const held = (number: number) =>
    operation(
      { operation: number, fromMs: number * 4 + 8 },
      started(),
      ...section(9, { protection: 'external', transaction: undefined }),
      finished(),
    )
  expect(verifyFinding(theOne('lock-void', beside(held(0), held(1))))).toMatchObject({ result: 'verified' })
  const unknown = changed('lock-void, overlap', '*', { transaction: undefined })
  expect(verifyFinding(unknown)).toMatchObject({
    step: { must: expect.stringMatching(/different transactions/) },
  })
})

test('what was never sent is the record that the operation is about', () => {
  const entity = { type: 'candidate', id: 'c-18' }
  const finding = { ...changed('partial-write, never sent', 'write', { entity }), entity }
  expect(verifyFinding(finding)).toMatchObject({ step: { must: expect.stringMatching(/is about/) } })
})

test('a finding that names no system, or no entity, splits nothing', () => {
  const finding = realFindings['partial-write, rejected']
  for (const without of [{ details: {} }, { entity: undefined }])
    expect(verifyFinding({ ...finding, ...without })).toMatchObject({
      step: { must: expect.stringMatching(/names the system/) },
    })
})

test('a second write that the database refused is no part of the proof', () => {
  const finding = realFindings['partial-write, rejected by the database']
  const events = (finding?.witness.events ?? []).flatMap((event): readonly StoredEvent[] =>
    event.kind === 'write'
      ? [event, { ...event, id: '018f0000-0000-7000-8000-00000000beef', seq: 3 }]
      : [event.kind === 'operation_finished' ? { ...event, seq: 4 } : event],
  )
  expect(verifyFinding({ ...finding, witness: { events } })).toMatchObject({
    step: { must: expect.stringMatching(/holds one write/) },
  })
})

test('an operation that ended is no orphan', () => {
  const finding = realFindings['orphaned-operation']
  const end = history(started(), started(), finished()).events[2]
  const events = [...(finding?.witness.events ?? []), end]
  expect(verifyFinding({ ...finding, witness: { events } })).toMatchObject({
    step: { must: expect.stringMatching(/did not end/) },
  })
})

test('no two events have one id, and none is something else', () => {
  const finding = realFindings['partial-write, rejected']
  const events = finding?.witness.events ?? []
  const verified = (witness: unknown) => verifyFinding({ ...finding, witness })
  expect(verified({ events: events.map((event) => ({ ...event, id: events[0]?.id })) })).toMatchObject({
    step: { must: expect.stringMatching(/id of its own/) },
  })
  for (const event of [null, 3, [], {}, { kind: 'write' }])
    expect(verified({ events: [...events, event] })).toMatchObject({
      step: { must: expect.stringMatching(/shape/) },
    })
})
