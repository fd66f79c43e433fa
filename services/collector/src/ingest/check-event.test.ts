import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Json, makeEvent, nested, uuidV7 } from '../../test/make-batch.ts'
import { collectorLimits } from '../limits.ts'
import { checkEvents } from './check-event.ts'

const nowMs = Date.UTC(2026, 10, 20)
const iso = (ms: number) => new Date(ms).toISOString()
const good = () => makeEvent({ id: uuidV7(nowMs), at: iso(nowMs) })
const hour = 60 * 60 * 1000

test.each<[string, unknown, string, string]>([
  ['null', null, 'invalid_event', ''],
  ['an array', [], 'invalid_event', ''],
  ['no kind', { ...good(), kind: undefined }, 'invalid_event', '/kind'],
  ['a kind that is a number', { ...good(), kind: 7 }, 'invalid_event', '/kind'],
  ['a kind called __proto__', { kind: '__proto__' }, 'invalid_event', '/id'],
  ['the kind of what was erased', { ...good(), kind: 'erased' }, 'invalid_event', '/kind'],
  ['a name that is a number', { ...good(), name: 7 }, 'invalid_event', '/name'],
  ['no entity id', { ...good(), entity: { type: 'candidate' } }, 'invalid_event', '/entity/id'],
  ['an id in capitals', { ...good(), id: uuidV7(nowMs).toUpperCase() }, 'invalid_event', '/id'],
  ['a NUL in a name that needs escaping', { ...good(), 'a/b~': '\0' }, 'invalid_event', '/a~1b~0'],
  ['depth 10,000', { ...good(), x: JSON.parse(nested(10_000)) }, 'invalid_event', '/x'],
  [
    'an operation id that is none, in a kind without one',
    {
      id: uuidV7(nowMs),
      seq: 1,
      at: '2026-11-20T00:00:00Z',
      monotonic_us: 0,
      kind: 'process_ended',
      last_seq: 0,
      operation_id: 'x',
    },
    'invalid_event',
    '/operation_id',
  ],
  [
    'an offset that PostgreSQL does not read',
    { ...good(), at: '2026-11-20T00:00:00+23:00' },
    'invalid_event',
    '/at',
  ],
  ['the year 0', { ...good(), at: '0000-01-01T00:00:00Z' }, 'invalid_event', '/at'],
  [
    'an id an hour and a second ahead',
    { ...good(), id: uuidV7(nowMs + hour + 1000) },
    'event_time_out_of_range',
    '/id',
  ],
  [
    'an id from before the retention',
    { ...good(), id: uuidV7(nowMs - collectorLimits.eventAgeMsMax - 1000) },
    'event_time_out_of_range',
    '/id',
  ],
  [
    'an hour and a second ahead under an id of now',
    { ...good(), at: iso(nowMs + hour + 1000) },
    'event_time_out_of_range',
    '/at',
  ],
  ['the year 2999', { ...good(), at: '2999-01-01T00:00:00.000000Z' }, 'event_time_out_of_range', '/at'],
  [
    'a time ahead that an offset hides',
    { ...good(), at: '2026-11-19T23:00:00.000000-02:01' },
    'event_time_out_of_range',
    '/at',
  ],
  [
    'a request that was under way for longer than anything is kept',
    { ...good(), at: iso(nowMs - collectorLimits.eventAgeMsMax - 1000) },
    'event_time_out_of_range',
    '/at',
  ],
])('%s is rejected with its code and pointer, and its neighbours are kept', async (_, bad, code, pointer) => {
  const before = good()
  const after = good()
  const { accepted, rejected } = await checkEvents([before, bad, after], nowMs)
  expect(accepted).toEqual([before, after])
  expect(rejected).toHaveLength(1)
  expect(rejected[0]).toMatchObject({ index: 1, code })
  const under = rejected[0]?.pointer.slice('/events/1'.length)
  // of something deep, where in it does not matter
  expect(under?.slice(0, pointer.length)).toBe(pointer)
})

test('what is just within the hour, or just within the retention, is kept', async () => {
  const oldest = nowMs - collectorLimits.eventAgeMsMax
  const events = [
    ...[nowMs + hour, oldest].map((ms) => makeEvent({ id: uuidV7(ms), at: iso(ms) })),
    makeEvent({ id: uuidV7(nowMs), at: iso(nowMs + hour) }),
    makeEvent({ id: uuidV7(nowMs), at: '2026-11-20T14:00:00.999999+14:00' }),
    makeEvent({ id: uuidV7(nowMs), at: iso(oldest) }),
    // it waited in a spool, and its transaction had begun before
    makeEvent({ id: uuidV7(oldest), at: iso(oldest - 24 * hour) }),
  ]
  expect((await checkEvents(events, nowMs)).rejected).toEqual([])
})

test('an event of a kind that is not known is kept as it came', async () => {
  const event = { ...good(), kind: 'lease_renewed', lease: { holder: 'a', until: 5 } }
  expect((await checkEvents([event], nowMs)).accepted).toEqual([event])
})

test('an event keeps members that its schema does not name', async () => {
  const event = { ...good(), later_member: [1, 2] }
  expect((await checkEvents([event], nowMs)).accepted).toEqual([event])
})

test('no event, whatever is in it, throws or costs its neighbours', async () => {
  const member = fc.constantFrom(
    ...Object.keys(makeEvent()),
    'fields',
    'assigned',
    'known_versions',
    '__proto__',
  )
  const kind = fc.constantFrom('read', 'write', 'sync', 'operation_finished', 'constructor', 'toString', 'x')
  await fc.assert(
    fc.asyncProperty(kind, fc.dictionary(member, fc.jsonValue()), async (kind, members) => {
      const neighbour = good()
      const bad: Json = { ...good(), kind, ...members }
      const { accepted, rejected } = await checkEvents([bad, neighbour], nowMs)
      expect(accepted).toContain(neighbour)
      expect(accepted.length + rejected.length).toBe(2)
    }),
    { numRuns: 500 },
  )
})

test('a batch of the worst events lets others have their turn', async () => {
  const fields = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}`, n]))
  const worst = Array.from({ length: 200 }, () => ({ ...good(), kind: 'write', fields }))
  let turns = 0
  const others = setInterval(() => turns++, 0)
  const { rejected } = await checkEvents(worst, nowMs)
  clearInterval(others)
  expect(rejected).toHaveLength(200)
  expect(turns).toBeGreaterThan(2)
})
