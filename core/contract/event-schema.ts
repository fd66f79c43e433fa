import { z } from 'zod'
import { CONTRACT_VERSION, type EventKind, type SyncproofEvent } from './event.ts'
import { limits } from './limits.ts'
import { isUuid, uuidV7TimeMs } from './uuid.ts'

/** Zod schemas of the event contract, for services only: the SDK must not carry them.
 *  Members that a schema does not name are kept and never read. */

const text = z.string().max(limits.stringLengthMax)
const name = text.min(1)
/** Lower case only: a uuid column makes one of two spellings, and the JSON beside it keeps two. */
const uuid = z.string().refine(isUuid, { message: 'must be a UUID in lower case' }).meta({ format: 'uuid' })
const uuidV7 = z
  .string()
  .refine((id) => uuidV7TimeMs(id) !== undefined, { message: 'must be a UUIDv7 in lower case' })
  .meta({ format: 'uuid' })
const count = z.int().min(0)
const instant = z.iso.datetime({ offset: true }).max(40)
const entity = z.looseObject({ type: name, id: name })
const outcome = z.enum(['ok', 'rejected', 'unknown'])
const action = z.enum(['create', 'update', 'delete', 'upsert'])
const protection = z.enum(['row_lock', 'advisory_lock', 'version', 'serializable', 'external'])
const assignment = z.enum(['value', 'supplied', 'counter', 'last_write_wins', 'expression', 'unknown'])

function atMostFields<T extends z.ZodType>(value: T) {
  return z.record(name, value).refine((fields) => Object.keys(fields).length <= limits.fieldsPerEventMax, {
    message: `must have at most ${limits.fieldsPerEventMax} fields`,
  })
}
const fingerprints = atMostFields(text)

const base = { id: uuidV7, seq: count, at: instant, monotonic_us: z.number() }
const inOperation = { ...base, operation_id: uuid }
const duration = { duration_us: z.number().min(0).optional() }
const section = {
  ...inOperation,
  name,
  entity,
  protection,
  transaction: text.optional(),
  locked: z.boolean().optional(),
}

const schemas = {
  operation_started: z.looseObject({
    ...inOperation,
    kind: z.literal('operation_started'),
    name,
    entity,
    parent_operation_id: uuid.optional(),
    root_operation_id: uuid,
    attempt: z.int().min(1),
    retry_of: uuid.optional(),
    idempotency_key: text.optional(),
    intent: z.enum(['optimistic', 'last_write_wins', 'unspecified']),
    syncs: z
      .array(z.looseObject({ system: name, async: z.boolean().optional() }))
      .max(limits.issuesPerEventMax)
      .optional(),
    trace_id: text.optional(),
    span_id: text.optional(),
  }),
  read: z.looseObject({
    ...inOperation,
    kind: z.literal('read'),
    system: name,
    entity,
    found: z.boolean(),
    version: text.optional(),
    fields: fingerprints,
    transaction: text.optional(),
    lock: z.looseObject({ mode: name, in_transaction: z.boolean() }).optional(),
    ...duration,
  }),
  write: z.looseObject({
    ...inOperation,
    kind: z.literal('write'),
    system: name,
    entity,
    action,
    base_version: text.optional(),
    known_versions: z.array(text).max(limits.knownVersionsMax),
    known_incomplete: z.boolean().optional(),
    overwritten_version: text.optional(),
    overwritten_by_self: z.boolean().optional(),
    version: text.optional(),
    assigned: atMostFields(assignment),
    fields: fingerprints,
    base_fields: fingerprints.optional(),
    overwritten_fields: fingerprints.optional(),
    guard: z.enum(['none', 'version', 'lock', 'snapshot', 'serializable']),
    section: z.looseObject({ name, base_read_inside: z.boolean() }).optional(),
    transaction: text.optional(),
    outcome,
    rows_over_limit: count.optional(),
    ...duration,
  }),
  transaction_finished: z.looseObject({
    ...inOperation,
    kind: z.literal('transaction_finished'),
    transaction: name,
    isolation: name,
    outcome,
    ...duration,
  }),
  sync: z.looseObject({
    ...inOperation,
    kind: z.literal('sync'),
    system: name,
    entity,
    action,
    version: text.optional(),
    fields: fingerprints,
    outcome,
    external_id: text.optional(),
    external_version: text.optional(),
    external_ordered: z.boolean().optional(),
    unique_key: text.optional(),
    status: z.int().optional(),
    attempt: z.int().min(1),
    idempotency_key: text.optional(),
    on_behalf_of: uuid.optional(),
    ...duration,
  }),
  section_entered: z.looseObject({ ...section, kind: z.literal('section_entered') }),
  section_left: z.looseObject({ ...section, kind: z.literal('section_left') }),
  operation_finished: z.looseObject({
    ...inOperation,
    kind: z.literal('operation_finished'),
    outcome: z.enum(['ok', 'failed']),
    error: z.looseObject({ type: text, message: text }).optional(),
    in_flight: count.optional(),
    calls: count.optional(),
    ...duration,
  }),
  process_ended: z.looseObject({ ...base, kind: z.literal('process_ended'), last_seq: z.int().min(-1) }),
  contract_violated: z.looseObject({
    ...inOperation,
    kind: z.literal('contract_violated'),
    boundary: z.enum(['input', 'output', 'response']),
    system: name.optional(),
    issues: z.array(z.looseObject({ path: text, code: text })).max(limits.issuesPerEventMax),
  }),
  invariant_violated: z.looseObject({
    ...inOperation,
    kind: z.literal('invariant_violated'),
    name,
    entity,
    system: name,
  }),
} satisfies Record<EventKind, z.ZodType>

/** One schema a kind, so that an event is checked against its own kind only. */
export const eventSchemas: { readonly [K in EventKind]: z.ZodType<Extract<SyncproofEvent, { kind: K }>> } =
  schemas as never

/** What an event of an unknown kind must still have to be kept. */
export const opaqueEventSchema = z.looseObject({ ...base, kind: name, operation_id: uuid.optional() })

export const processSchema = z.looseObject({
  id: uuid,
  service: name,
  release: text.optional(),
  host: text.optional(),
  clock: z.looseObject({ offset_ms: z.tuple([z.number(), z.number()]) }).optional(),
  books: z.looseObject({ produced: count, dropped: z.record(name, count) }).optional(),
})

/** The batch without its events, which are checked one by one: one bad event never costs the others. */
export const batchEnvelopeSchema = z.looseObject({
  contract: z
    .int()
    .min(Math.max(1, CONTRACT_VERSION - 1))
    .max(CONTRACT_VERSION),
  process: processSchema,
  events: z.array(z.unknown()).max(limits.eventsPerBatchMax),
})

/** The whole batch, for documents: OpenAPI and docs/event-schema.json. */
export const batchSchema = batchEnvelopeSchema.extend({
  events: z.array(z.union([...Object.values(schemas), opaqueEventSchema])).max(limits.eventsPerBatchMax),
})

/** The batch as JSON Schema (2020-12), for docs/event-schema.json. */
export function batchJsonSchema(): unknown {
  return z.toJSONSchema(batchSchema, { io: 'input', reused: 'ref' })
}
