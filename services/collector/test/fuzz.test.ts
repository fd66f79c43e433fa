import { randomUUID } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eachEngine } from '../../../tools/testing/stores.ts'
import { makeBatch, makeEvent } from './make-batch.ts'
import { type OpenedCollector, openCollector } from './open-collector.ts'

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

eachEngine('a few hundred hostile bodies', (openStore) => {
  let collector: OpenedCollector
  let key: string
  beforeAll(async () => {
    collector = await openCollector(openStore)
    key = await collector.key('default', 'ingest')
  })
  afterAll(() => collector.close())

  test('none is answered by a 5xx, every good event between bad ones is stored, and what is stored can be judged', async () => {
    const entity = { type: 'candidate', id: randomUUID() }
    const sent = new Set<unknown>()
    await fc.assert(
      fc.asyncProperty(fc.array(badEvent, { maxLength: 4 }), fc.boolean(), cut, async (bad, zipped, how) => {
        const good = makeEvent({ entity })
        const json = Buffer.from(JSON.stringify(makeBatch([...bad, good])))
        const payload = damage(zipped ? gzipSync(json) : json, how)
        const response = await collector.send(key, {
          method: 'POST',
          url: '/v1/events',
          payload,
          headers: { 'content-type': 'application/json', ...(zipped ? { 'content-encoding': 'gzip' } : {}) },
        })
        expect(response.statusCode, response.body).toBeLessThan(500)
        if (how !== undefined) return
        expect(response.statusCode).toBe(202)
        sent.add(good.id)
      }),
      { numRuns: 400 },
    )
    const stored = new Set<unknown>()
    let cursor: string | undefined
    do {
      const page = await collector.store.events.timeline('default', entity, { cursor, limit: 500 })
      for (const { id } of page.items) stored.add(id)
      cursor = page.next_cursor ?? undefined
    } while (cursor !== undefined)
    expect(sent.size).toBeGreaterThan(100)
    expect([...sent].filter((id) => !stored.has(id))).toEqual([])
    await judgeAll(collector)
  })
})

/** An event that was accepted and cannot be read would stop the detector for good. */
async function judgeAll({ store }: OpenedCollector): Promise<void> {
  for (let lane = 0; lane < store.detection.lanes; lane++) {
    const step = () => store.detection.step(lane, 1_000, async () => ({ findings: [], resolved: [] }))
    while ((await step()).events > 0);
  }
}
