import type { OperationStarted, SyncproofEvent } from '@syncproof/core/contract'
import { createFingerprinter, isMadeOfSpans, uuidV7TimeMs } from '@syncproof/core/contract'
import { expect, test } from 'vitest'
import { type Attributes, candidate, makeSpan } from '../../test/make-span.ts'
import { processOf } from './resource.ts'
import { eventsOfSpan } from './span-events.ts'

const of = candidate('c-1')
const print = (value: string) =>
  createFingerprinter('k').fingerprint({ type: 'candidate', id: 'c-1' }, 'name', `s1:${value}`, 'auto')
const token = (version: string) => `declared/db/candidate/c-1/${version}`

function taken(attributes: Attributes, changes = {}): readonly SyncproofEvent[] {
  const outcome = eventsOfSpan(makeSpan({ ...of, ...attributes }, changes, 1_795_000_000_000))
  if (outcome.is !== 'taken') throw new Error(JSON.stringify(outcome))
  return outcome.events
}

test('an operation is told at its start and at its end, with its trace as its caller', () => {
  const span = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
  const [started, finished, ...more] = taken(
    { 'syncproof.operation': 'rate', 'syncproof.syncs': ['ats'], 'syncproof.syncs_async': ['crm'] },
    span,
  )
  expect(more).toEqual([])
  expect(started).toMatchObject({
    kind: 'operation_started',
    name: 'rate',
    entity: { type: 'candidate', id: 'c-1' },
    attempt: 1,
    intent: 'unspecified',
    syncs: [{ system: 'ats' }, { system: 'crm', async: true }],
    at: '2026-11-18T11:06:40.000000Z',
    monotonic_us: 1_795_000_000_000_000,
    trace_id: span.traceId,
    span_id: span.spanId,
  })
  expect(finished).toMatchObject({
    kind: 'operation_finished',
    outcome: 'ok',
    at: '2026-11-18T11:06:40.005000Z',
  })
  expect(started).toHaveProperty('operation_id', (finished as { operation_id?: string }).operation_id)
  const { root_operation_id, parent_operation_id } = started as OperationStarted
  expect(parent_operation_id).toBe(root_operation_id)
  expect(uuidV7TimeMs(started?.id ?? '')).toBe(1_795_000_000_000)
})

test('a span makes the same events whenever it is sent, and no other span makes one of them', () => {
  const span = makeSpan({ ...of, 'syncproof.operation': 'rate' })
  const ids = (raw: object) => {
    const outcome = eventsOfSpan(raw)
    return outcome.is === 'taken' ? outcome.events.map(({ id, seq }) => `${id} ${seq}`) : []
  }
  expect(ids(structuredClone(span))).toEqual(ids(span))
  expect(new Set([...ids(span), ...ids({ ...span, spanId: 'f'.repeat(16) })]).size).toBe(4)
})

test('no run of numbers from the start of an operation to its end is ever whole', () => {
  for (let micros = 0; micros < 200; micros += 1) {
    const start = 1_795_000_000_000_000_000n + BigInt(micros * 37)
    for (const length of [0n, 1n, 400n, 1_000n, 2_500n]) {
      const times = { startTimeUnixNano: String(start), endTimeUnixNano: String(start + length) }
      const [started, finished] = taken({ 'syncproof.operation': 'rate' }, times)
      const [first, last] = [started?.seq ?? 0, finished?.seq ?? 0]
      const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index)
      expect(numbers.some((number) => number % 16 === 12)).toBe(true)
      const [read] = taken({ 'syncproof.read': 'db' }, times)
      expect(read?.seq ?? 0).toBeGreaterThan(first)
      expect(read?.seq ?? 0).toBeLessThan(last)
      for (const { seq } of [started, finished, read] as SyncproofEvent[]) expect(seq % 16).not.toBe(12)
    }
  }
})

test('a call that seems to end just after its operation, by the clock of whole milliseconds, is numbered before its end', () => {
  const [started, finished] = taken(
    { 'syncproof.operation': 'rate' },
    { endTimeUnixNano: '1795000000001200000' },
  )
  const times = { startTimeUnixNano: '1795000000001000000', endTimeUnixNano: '1795000000002100000' }
  const [sync] = taken({ 'syncproof.sync': 'ats' }, times)
  expect([finished, sync, started].toSorted((a, b) => (a?.seq ?? 0) - (b?.seq ?? 0))).toEqual([
    started,
    sync,
    finished,
  ])
})

test('a read belongs to the span above it, or to the one that it names', () => {
  const [trace, span] = ['a'.repeat(32), 'b'.repeat(16)]
  const [started] = taken({ 'syncproof.operation': 'rate' }, { traceId: trace, spanId: span })
  const [read] = taken(
    {
      'syncproof.read': 'db',
      'syncproof.version': 7,
      'syncproof.fields.name': print('A'),
      'syncproof.transaction': 'none',
      'syncproof.lock.mode': 'FOR UPDATE',
      'syncproof.lock.in_transaction': true,
    },
    { traceId: trace, parentSpanId: span },
  )
  expect(read).toMatchObject({
    kind: 'read',
    operation_id: (started as { operation_id?: string }).operation_id,
    system: 'db',
    found: true,
    version: token('7'),
    fields: { name: print('A') },
    transaction: 'none',
    lock: { mode: 'FOR UPDATE', in_transaction: true },
    duration_us: 5_000,
  })
  const named = { 'syncproof.read': 'db', 'syncproof.operation_span_id': span }
  expect(taken(named, { traceId: trace, parentSpanId: 'c'.repeat(16) })[0]).toHaveProperty(
    'operation_id',
    (started as { operation_id?: string }).operation_id,
  )
})

const written = { 'syncproof.write': 'db', 'syncproof.fields.name': print('B'), 'syncproof.version': 9 }
const error = { status: { code: 2 } }

test('a write says what it knew, and what nobody says is not known', () => {
  expect(
    taken({
      ...written,
      'syncproof.transaction': 'none',
      'syncproof.base_version': 7,
      'syncproof.known_versions': ['7', token('7')],
      'syncproof.overwritten_version': 8,
      'syncproof.overwritten_by_self': false,
      'syncproof.assigned.name': 'value',
      'syncproof.base_fields.name': print('A'),
      'syncproof.overwritten_fields.name': print('C'),
    })[0],
  ).toMatchObject({
    kind: 'write',
    action: 'update',
    base_version: token('7'),
    known_versions: [token('7')],
    overwritten_version: token('8'),
    overwritten_by_self: false,
    version: token('9'),
    assigned: { name: 'value' },
    fields: { name: print('B') },
    guard: 'none',
    outcome: 'ok',
  })
  const [bare] = taken(written)
  expect(bare).toMatchObject({ known_versions: [], known_incomplete: true, assigned: { name: 'unknown' } })
  for (const absent of ['overwritten_version', 'overwritten_by_self', 'transaction', 'base_version'])
    expect(bare).not.toHaveProperty(absent)
})

test.each<[string, Attributes, object, string]>([
  ['a write outside of a transaction', { ...written, 'syncproof.transaction': 'none' }, {}, 'ok'],
  ['a write whose span has failed', { ...written, 'syncproof.transaction': 'none' }, error, 'unknown'],
  [
    'a write in a transaction that may yet be rolled back',
    { ...written, 'syncproof.transaction': 't1' },
    {},
    'unknown',
  ],
  [
    'one that says its fate',
    { ...written, 'syncproof.transaction': 't1', 'syncproof.outcome': 'ok' },
    {},
    'ok',
  ],
  ['a sync', { 'syncproof.sync': 'ats' }, {}, 'ok'],
  ['a sync that failed', { 'syncproof.sync': 'ats' }, error, 'unknown'],
  ['a sync that says so', { 'syncproof.sync': 'ats', 'syncproof.outcome': 'rejected' }, error, 'rejected'],
  ['a sync that was answered 200', { 'syncproof.sync': 'ats', 'http.response.status_code': 200 }, {}, 'ok'],
  ['an error after 200', { 'syncproof.sync': 'ats', 'http.response.status_code': 200 }, error, 'unknown'],
  ['202', { 'syncproof.sync': 'ats', 'http.response.status_code': 202 }, {}, 'unknown'],
  ['422', { 'syncproof.sync': 'ats', 'http.response.status_code': 422 }, error, 'rejected'],
  ['422 by its old name', { 'syncproof.sync': 'ats', 'http.status_code': 422 }, error, 'rejected'],
  ['409', { 'syncproof.sync': 'ats', 'http.response.status_code': 409 }, error, 'unknown'],
  ['503', { 'syncproof.sync': 'ats', 'http.response.status_code': 503 }, error, 'unknown'],
  [
    '404 to a delete',
    { 'syncproof.sync': 'ats', 'syncproof.action': 'delete', 'http.response.status_code': 404 },
    error,
    'unknown',
  ],
  ['an operation that failed', { 'syncproof.operation': 'rate' }, error, 'failed'],
])('the outcome of %s', (_, attributes, changes, outcome) => {
  expect(taken(attributes, changes).at(-1)).toHaveProperty('outcome', outcome)
})

test('what a failed operation says of its error is its type, never a message', () => {
  const events = [
    {
      name: 'exception',
      attributes: [
        { key: 'exception.type', value: { stringValue: 'ValueError' } },
        { key: 'exception.message', value: { stringValue: 'secret' } },
      ],
    },
  ]
  const told = taken({ 'syncproof.operation': 'rate' }, { ...error, events })
  expect(told[1]).toMatchObject({ error: { type: 'ValueError', message: '' } })
  expect(JSON.stringify(told)).not.toContain('secret')
})

test('a sync says which version it carries, and for whom', () => {
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const [started] = taken(
    { 'syncproof.operation': 'rate' },
    { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) },
  )
  expect(
    taken({
      'syncproof.sync': 'ats',
      'syncproof.version': 9,
      'syncproof.source': 'db',
      'syncproof.external_id': 12,
      'syncproof.external_version': 4,
      'syncproof.external_ordered': true,
      'syncproof.attempt': 2,
      'syncproof.on_behalf_of': trace,
    })[0],
  ).toMatchObject({
    version: token('9'),
    external_id: '12',
    external_version: '4',
    external_ordered: true,
    attempt: 2,
    on_behalf_of: (started as { operation_id?: string }).operation_id,
  })
})

test.each<[string, object]>([
  ['nothing of ours', makeSpan({ 'http.route': '/x' })],
  [
    'the marks of an SDK, which reports by itself',
    makeSpan({ 'syncproof.operation_id': 'x', 'syncproof.operation': 'f' }),
  ],
])('a span with %s is ignored', (_, span) => {
  expect(eventsOfSpan(span)).toEqual({ is: 'ignored' })
})

const read = { ...of, 'syncproof.read': 'db' }
test.each<[string, object, RegExp]>([
  ['no record', makeSpan({ 'syncproof.read': 'db' }), /syncproof.entity.type is missing/],
  ['an empty id', makeSpan({ ...read, 'syncproof.entity.id': '' }), /syncproof.entity.id must be a text/],
  ['two kinds at once', makeSpan({ ...read, 'syncproof.write': 'db' }), /must have one of .* and has 2/],
  ['no kind', makeSpan(of), /must have one of .* and has none/],
  ['a misspelled attribute', makeSpan({ ...read, 'syncproof.foudn': true }), /syncproof.foudn is not known/],
  [
    'an attribute of another kind',
    makeSpan({ ...read, 'syncproof.guard': 'none' }),
    /syncproof.guard is not known/,
  ],
  [
    'a text for a flag',
    makeSpan({ ...read, 'syncproof.found': 'yes' }),
    /syncproof.found must be true or false/,
  ],
  [
    'a value in place of a fingerprint',
    makeSpan({ ...read, 'syncproof.fields.email': 'ada@example.org' }),
    /syncproof.fields.email must be a fingerprint/,
  ],
  [
    'an action that is none',
    makeSpan({ ...of, 'syncproof.write': 'db', 'syncproof.action': 'merge' }),
    /syncproof.action must be one of create/,
  ],
  [
    'a bare version of nobody knows what',
    makeSpan({ ...of, 'syncproof.sync': 'ats', 'syncproof.version': 3 }),
    /syncproof.source must name/,
  ],
  ['a read that is nobody’s', makeSpan(read, { parentSpanId: '' }), /has no parent/],
  ['a span id of zeros', makeSpan(read, { spanId: '0'.repeat(16) }), /spanId must be/],
  ['an end before its start', makeSpan(read, { endTimeUnixNano: '1' }), /must not be before/],
  ['attributes that were dropped', makeSpan(read, { droppedAttributesCount: 2 }), /were dropped/],
  ['a NUL', makeSpan({ ...read, 'syncproof.entity.id': 'a\0' }), /NUL/],
])('a span with %s is rejected, and says why', (_, span, message) => {
  const outcome = eventsOfSpan(span)
  expect(outcome.is).toBe('rejected')
  expect(outcome.is === 'rejected' && outcome.message).toMatch(message)
  expect(outcome.is === 'rejected' && outcome.message).not.toContain('ada@example.org')
})

test('a process is known by its service and instance, else by all that its resource says', () => {
  const attributes = (all: Attributes) => ({
    attributes: Object.entries(all).map(([key, stringValue]) => ({ key, value: { stringValue } })),
  })
  const own = {
    'service.name': 'rating',
    'service.instance.id': 'i-1',
    'service.version': '2.1',
    'host.name': 'h',
  }
  const process = processOf(attributes(own))
  expect(process).toMatchObject({ service: 'rating', release: '2.1', host: 'h' })
  expect(isMadeOfSpans(process.id)).toBe(true)
  expect(processOf(attributes({ ...own, 'process.pid': '7' })).id).toBe(process.id)
  expect(processOf(attributes({ ...own, 'service.instance.id': 'i-2' })).id).not.toBe(process.id)
  const pids = ['7', '8'].map(
    (pid) => processOf(attributes({ 'service.name': 'rating', 'process.pid': pid })).id,
  )
  expect(new Set(pids).size).toBe(2)
  expect(processOf(undefined).service).toBe('unknown_service')
})
