import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CONTRACT_VERSION, type EventKind } from './event.ts'
import { batchEnvelopeSchema, batchJsonSchema, eventSchemas, opaqueEventSchema } from './event-schema.ts'
import { limits } from './limits.ts'

const base = {
  id: '018f0000-0000-7000-8000-000000000001',
  seq: 0,
  at: '2026-11-20T12:00:00.123456Z',
  monotonic_us: 12.5,
  operation_id: '018f0000-0000-4000-8000-000000000002',
}
const entity = { type: 'candidate', id: 'c-17' }
const write = {
  ...base,
  kind: 'write',
  system: 'db',
  entity,
  action: 'update',
  known_versions: [],
  assigned: { a: 'value' },
  fields: { a: '!' },
  guard: 'none',
  outcome: 'ok',
}
const smallest: Record<EventKind, object> = {
  operation_started: {
    ...base,
    kind: 'operation_started',
    name: 'f',
    entity,
    root_operation_id: base.operation_id,
    attempt: 1,
    intent: 'unspecified',
  },
  read: { ...base, kind: 'read', system: 'db', entity, found: false, fields: {} },
  write,
  transaction_finished: {
    ...base,
    kind: 'transaction_finished',
    transaction: 't1',
    isolation: 'read committed',
    outcome: 'ok',
  },
  sync: {
    ...base,
    kind: 'sync',
    system: 'ats',
    entity,
    action: 'update',
    fields: {},
    outcome: 'ok',
    attempt: 1,
  },
  section_entered: { ...base, kind: 'section_entered', name: 's', entity, protection: 'row_lock' },
  section_left: { ...base, kind: 'section_left', name: 's', entity, protection: 'row_lock' },
  operation_finished: { ...base, kind: 'operation_finished', outcome: 'ok', in_flight: 1, calls: 2 },
  process_ended: { ...base, kind: 'process_ended', last_seq: -1, operation_id: undefined },
  contract_violated: {
    ...base,
    kind: 'contract_violated',
    boundary: 'input',
    issues: [{ path: '/a', code: 'x' }],
  },
  invariant_violated: { ...base, kind: 'invariant_violated', name: 'i', entity, system: 'db' },
}
const many = (count: number, value: string) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, value]))

describe('the event schemas', () => {
  test.each(Object.entries(smallest))('accept the smallest %s', (kind, event) => {
    expect(eventSchemas[kind as EventKind].safeParse(event)).toMatchObject({ success: true })
  })

  test('keep members that this release does not know', () => {
    expect(eventSchemas.write.parse({ ...write, later: 1 })).toMatchObject({ later: 1 })
  })

  test('keep an event of an unknown kind', () => {
    expect(opaqueEventSchema.safeParse({ ...base, kind: 'from_the_future', anything: {} }).success).toBe(true)
  })

  test.each<[string, object, string]>([
    ['an id that is no UUIDv7', { id: base.operation_id }, 'id'],
    ['an id in upper case', { id: base.id.replace('f', 'F') }, 'id'],
    ['an operation id in upper case', { operation_id: base.operation_id.replace('f', 'F') }, 'operation_id'],
    ['a negative seq', { seq: -1 }, 'seq'],
    ['a seq past 2^53', { seq: 2 ** 53 }, 'seq'],
    ['a time without a zone', { at: '2026-11-20T12:00:00' }, 'at'],
    ['a time that is infinite', { monotonic_us: Number.POSITIVE_INFINITY }, 'monotonic_us'],
    ['an outcome that is not one', { outcome: 'maybe' }, 'outcome'],
    ['no outcome', { outcome: undefined }, 'outcome'],
    ['no known versions', { known_versions: undefined }, 'known_versions'],
    [
      'too many known versions',
      { known_versions: Array(limits.knownVersionsMax + 1).fill('x') },
      'known_versions',
    ],
    ['an assignment that is not one', { assigned: { a: 'guessed' } }, 'assigned'],
    ['too many fields', { fields: many(limits.fieldsPerEventMax + 1, '!') }, 'fields'],
    ['a fingerprint that is no text', { fields: { a: 1 } }, 'fields'],
    ['text that is too long', { system: 'x'.repeat(limits.stringLengthMax + 1) }, 'system'],
    ['an entity without an id', { entity: { type: 'candidate' } }, 'entity'],
  ])('reject %s and say where', (_, change, member) => {
    const { success, error } = eventSchemas.write.safeParse({ ...write, ...change })
    expect(success).toBe(false)
    expect(error?.issues.map((issue) => issue.path[0])).toContain(member)
  })
})

describe('the envelope of a batch', () => {
  const envelope = {
    contract: CONTRACT_VERSION,
    process: { id: base.operation_id, service: 's' },
    events: [],
  }
  test('may be empty: a heartbeat', () => {
    expect(batchEnvelopeSchema.safeParse(envelope).success).toBe(true)
  })
  test.each<[string, object]>([
    ['of a later contract', { contract: CONTRACT_VERSION + 1 }],
    ['of a contract two versions ago', { contract: CONTRACT_VERSION - 2 }],
    ['with too many events', { events: Array(limits.eventsPerBatchMax + 1).fill({}) }],
    ['without a process', { process: undefined }],
  ])('is rejected %s', (_, change) => {
    expect(batchEnvelopeSchema.safeParse({ ...envelope, ...change }).success).toBe(false)
  })
})

test('docs/event-schema.json is what the schemas say; else run `node tools/write-event-schema.ts`', () => {
  const written = readFileSync(new URL('../../docs/event-schema.json', import.meta.url), 'utf8')
  expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(batchJsonSchema())))
})
