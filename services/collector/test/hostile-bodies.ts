import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { gzipBomb, makeBatch, makeEvent, nested } from './make-batch.ts'

/** What a client that is broken, or means harm, may send. */
export interface HostileBody {
  readonly payload: Buffer
  readonly headers: Readonly<Record<string, string>>
  /** Of the good event in it, which must be stored; absent where the body as a whole may be refused. */
  readonly goodId?: string
}

/** Members with a meaning somewhere in the contract: what is random elsewhere hits a schema here. */
const member = fc.constantFrom(
  ...['id', 'seq', 'kind', 'at', 'monotonic_us', 'operation_id', 'entity', 'fields', 'assigned', 'outcome'],
  ...['known_versions', 'transaction', 'lock', 'error', 'attempt', '__proto__', 'constructor', 'toString'],
)
const nasty = fc.constantFrom<unknown>(
  ...['\0', '\ud800', '', '2026-02-30T00:00:00Z', '9999-12-31T23:59:59.999999999-14:00', 'NaN', '$ne'],
  ...[-1, -0, 1e21, 5e-324, 2 ** 53 - 1, null, [], {}, { type: 7, id: [] }, { type: '\0', id: '' }],
)
/** Values that look right for their member and are wrong, or right, in some way that a schema may not see. */
const plausible = fc.record(
  {
    at: fc.constantFrom<unknown>(
      ...[
        '2026-11-20T00:00:00+23:00',
        '0000-01-01T00:00:00Z',
        '2026-11-20T00:00:00.1234567891234Z',
        'now',
        0,
      ],
    ),
    operation_id: fc.constantFrom<unknown>(
      ...['', 'x', '00000000-0000-0000-0000-000000000000', randomUUID().toUpperCase(), 7, null],
    ),
    entity: fc.constantFrom<unknown>('x', [], { type: { a: 1 }, id: 9 }, { type: 'candidate' }, { id: null }),
    seq: fc.constantFrom<unknown>(0, -1, 1.5, 2 ** 53 - 1, '1'),
    monotonic_us: fc.constantFrom<unknown>(5e-324, -1, 2 ** 53 - 1),
    attempt: fc.constantFrom<unknown>(2 ** 53 - 1, 0, 'x'),
    root_operation_id: fc.constantFrom<unknown>('x', 7, [null]),
  },
  { requiredKeys: [] },
)
const kind = fc.constantFrom<unknown>(
  ...[
    'operation_started',
    'read',
    'write',
    'sync',
    'operation_finished',
    'process_ended',
    'contract_violated',
  ],
  ...['__proto__', 'hasOwnProperty', 'never_heard_of'],
)
/** Enough of a whole event for most kinds to pass but for what was changed. */
const whole = {
  last_seq: 3,
  outcome: 'ok',
  system: 'db',
  action: 'update',
  found: true,
  fields: {},
  assigned: {},
}
const slightlyWrong = fc
  .tuple(kind, plausible)
  .map(([kind, members]) => makeEvent({ ...whole, known_versions: [], guard: 'none', kind, ...members }))
const veryWrong = fc
  .tuple(kind, fc.dictionary(member, fc.oneof(nasty, fc.jsonValue()), { maxKeys: 6 }))
  .map(([kind, members]) => ({ ...makeEvent({ kind }), ...members }))
const badEvent = fc.oneof(slightlyWrong, slightlyWrong, veryWrong, fc.jsonValue())

type Cut = { readonly at: number; readonly byte: number } | undefined
/** Sometimes a byte of the body is replaced, or the rest is missing. */
const cut = fc.option(fc.record({ at: fc.nat(), byte: fc.nat(511) }), { nil: undefined, freq: 3 })

function damage(body: Buffer, how: Cut): Buffer {
  if (how === undefined) return body
  const at = how.at % body.length
  if (how.byte > 255) return body.subarray(0, at)
  const damaged = Buffer.from(body)
  damaged[at] = how.byte
  return damaged
}

const JSON_BODY = { 'content-type': 'application/json' }
const GZIP_BODY = { ...JSON_BODY, 'content-encoding': 'gzip' }
const DAY_MS = 24 * 60 * 60 * 1000

/** Bad events around a good one, sometimes damaged on the way. @param entity of the good event */
function batches(entity: { readonly type: string; readonly id: string }): fc.Arbitrary<HostileBody> {
  return fc.tuple(fc.array(badEvent, { maxLength: 4 }), fc.boolean(), cut).map(([bad, zipped, how]) => {
    const good = makeEvent({ entity })
    const json = Buffer.from(JSON.stringify(makeBatch([...bad, good])))
    return {
      payload: damage(zipped ? gzipSync(json) : json, how),
      headers: zipped ? GZIP_BODY : JSON_BODY,
      ...(how === undefined && { goodId: String(good.id) }),
    }
  })
}

const bomb = gzipBomb(64)
/** Whole bodies that are wrong as such, or hold one event that is. */
const others: fc.Arbitrary<HostileBody> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ payload: bomb, headers: GZIP_BODY }) },
  {
    weight: 20,
    arbitrary: fc
      .nat()
      .map((at) => ({ payload: bomb.subarray(0, 1 + (at % bomb.length)), headers: GZIP_BODY })),
  },
  ...[
    fc
      .constantFrom(
        ...['text/plain', 'application/json; charset=utf-16', 'application/json; charset="latin1"', ''],
      )
      .map((type) => ({ payload: Buffer.from('{}'), headers: { 'content-type': type } })),
    fc.constantFrom('br', 'deflate', 'gzip, gzip', 'x').map((encoding) => ({
      payload: Buffer.from('{}'),
      headers: { ...JSON_BODY, 'content-encoding': encoding },
    })),
    fc.uint8Array({ maxLength: 400 }).map((bytes) => ({ payload: Buffer.from(bytes), headers: JSON_BODY })),
    fc
      .constantFrom<unknown>(
        ...['\0', '\ud800', 'x'.repeat(5_000), { deep: 'DEEP' }, 1e300, { constructor: { prototype: {} } }],
      )
      .map((value) => {
        const text = JSON.stringify(makeBatch([makeEvent({ name: value })]))
        return { payload: Buffer.from(text.replace('"DEEP"', nested(5_000))), headers: JSON_BODY }
      }),
    fc.constantFrom('9007199254740993', '1e400', '-1e400', '{"__proto__":{"a":1}}').map((literal) => {
      const text = JSON.stringify(makeBatch([makeEvent({ extra: 'HERE' })]))
      return { payload: Buffer.from(text.replace('"HERE"', literal)), headers: JSON_BODY }
    }),
    fc.integer({ min: -400, max: 400 }).map((days) => {
      const at = new Date(Date.now() + days * DAY_MS).toISOString()
      return { payload: Buffer.from(JSON.stringify(makeBatch([makeEvent({ at })]))), headers: JSON_BODY }
    }),
  ].map((arbitrary) => ({ weight: 40, arbitrary })),
)

/** @param entity of the good events */
export function hostileBodies(entity: {
  readonly type: string
  readonly id: string
}): fc.Arbitrary<HostileBody> {
  return fc.oneof({ weight: 3, arbitrary: batches(entity) }, { weight: 1, arbitrary: others })
}
