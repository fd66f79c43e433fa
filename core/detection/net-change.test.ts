import { describe, expect, test } from 'vitest'
import type { StoredEvent } from '../contract/index.ts'
import { partialWrite } from './detectors/partial-write.ts'
import { detectOperation } from './index.ts'
import {
  call,
  cleanWrite,
  finished,
  history,
  historyOfCalled,
  type Step,
  started,
  startedFor,
  sync,
  token,
  write,
} from './testing/history-builder.ts'

const start = startedFor('ats')
const end = finished()
const refused = sync('rejected', { name: 'b' })
const found = (...steps: readonly Step[]) =>
  detectOperation(history(start, ...steps, end), [partialWrite]).findings.map(
    ({ verdict, fields, details }) => `${verdict} ${details.how} ${fields}`,
  )
const unread = { base_fields: undefined, overwritten_fields: undefined }
const untold = { base_version: undefined, overwritten_version: undefined, version: undefined }
const removal = write({}, { action: 'delete', ...unread })

/** What several writes of one operation changed together, where the other system refused to take it. */
describe('a refused change is a split', () => {
  test.each<[string, string, readonly Step[]]>([
    [
      'of the fields that changed, and no others',
      'proven rejected name',
      [
        write({ name: ['a', 'a', 'b', 'value'], city: ['x', 'x', 'x', 'value'] }),
        sync('rejected', { name: 'b', city: 'x' }),
      ],
    ],
    [
      'of a timestamp, where nothing else was written',
      'proven rejected at',
      [write({ at: ['1', '1', '2', 'last_write_wins'] }), sync('rejected', { at: '2' })],
    ],
    [
      'where nobody knows what was there before',
      'proven rejected name',
      [write({ name: ['a', 'a', 'b', 'value'] }, unread), refused],
    ],
    ['where nobody knows which fields were written', 'proven rejected ', [write({}), sync('rejected')]],
    [
      'where a write between may have changed the field unreported',
      'proven rejected name',
      [write({}, unread), cleanWrite('name', 'a', 'a'), refused],
    ],
    [
      'where a row was made of what its maker had known',
      'proven rejected name',
      [
        write(
          { name: ['b', undefined, 'b', 'value'] },
          { action: 'create', overwritten_version: undefined, overwritten_fields: undefined },
        ),
        refused,
      ],
    ],
    [
      'where an upsert made the row',
      'proven rejected name',
      [
        write(
          { name: ['b', undefined, 'b', 'value'] },
          { action: 'upsert', overwritten_version: 'none', overwritten_fields: undefined },
        ),
        refused,
      ],
    ],
    [
      'where two writes before the refusal cannot be compared',
      'proven rejected name',
      [write({ name: ['a', 'a', 'b', 'value'] }, unread), cleanWrite('name', 'b', 'b'), refused],
    ],
    [
      'where one write after the refusal cannot be compared',
      'proven rejected name',
      [refused, write({ name: ['a', 'a', 'b', 'value'] }, unread)],
    ],
    [
      'where a row was changed and then deleted',
      'proven rejected name',
      [cleanWrite('name', 'a', 'b'), sync('rejected', {}), removal],
    ],
    [
      'where a row was changed, from what nobody knows, and then deleted',
      'proven rejected name',
      [
        write({ name: ['a', 'a', 'b', 'value'] }, { overwritten_version: undefined }),
        sync('rejected', {}),
        removal,
      ],
    ],
    [
      'where an upsert had replaced a row that was then deleted',
      'proven rejected name',
      [write({ name: ['a', 'a', 'b', 'value'] }, { action: 'upsert' }), sync('rejected', {}), removal],
    ],
    [
      'where a row was deleted, made again and deleted',
      'proven rejected name',
      [
        write({}, { action: 'delete', overwritten_version: undefined }),
        write(
          { name: [undefined, undefined, 'b', 'value'] },
          { action: 'create', overwritten_version: 'none' },
        ),
        sync('rejected', {}),
        removal,
      ],
    ],
    [
      'after many writes, each after the answer to the one before',
      'proven rejected name',
      [
        ...Array.from({ length: 65 }, (_, n) => cleanWrite('name', `${n}`, `${n + 1}`)),
        sync('rejected', { name: '65' }),
      ],
    ],
    [
      'where a check had failed before, which wrote nothing',
      'proven rejected name',
      [write({}, { rows_over_limit: 0 }), cleanWrite('name', 'a', 'b'), refused],
    ],
    [
      'where an entity of another type got through under the same id',
      'proven rejected name',
      [
        cleanWrite('name', 'a', 'b'),
        refused,
        sync('ok', { name: 'b' }, { entity: { type: 'company', id: 'c-17' } }),
      ],
    ],
    [
      'where two refusals passed each other on the way',
      'proven rejected name',
      [
        cleanWrite('name', 'a', 'b'),
        sync('rejected', { name: 'b' }, { monotonic_us: 2_900 }),
        sync('rejected', { name: 'b' }, { monotonic_us: 2_800 }),
      ],
    ],
    [
      'where it was sent for the operation by its own id',
      'proven rejected name',
      [
        cleanWrite('name', 'a', 'b'),
        sync('rejected', { name: 'b' }, { on_behalf_of: history().operationId }),
      ],
    ],
  ])('%s', (_, expected, steps) => {
    expect(found(...steps)).toEqual([expected])
  })
})

/** Takes the name from one number to the next, sent in the order of `sent` and answered late. */
const slow = (number: number, rest: Parameters<typeof write>[1], sent = number) =>
  write(
    { name: [`${number}`, `${number}`, `${number + 1}`, 'value'] },
    { monotonic_us: 1_000 + sent, duration_us: 50_000, ...rest },
  )
const lateRefusal = sync('rejected', { name: '2' }, { monotonic_us: 60_000 })

describe('of writes that overlapped', () => {
  const foundLate = (...steps: readonly Step[]) =>
    detectOperation(history(start, ...steps, lateRefusal, finished({ monotonic_us: 70_000 })), [
      partialWrite,
    ]).findings.map(({ verdict }) => verdict)
  const [first, second] = [
    { overwritten_version: token('1'), version: token('2') },
    { overwritten_version: token('2'), version: token('3') },
  ]

  test('the versions that they replaced give the order', () => {
    expect(foundLate(slow(0, first), slow(1, second))).toEqual(['proven'])
    expect(foundLate(slow(0, first, 1), slow(1, second, 0))).toEqual(['proven'])
  })

  test('an answer in no time comes before nothing but what is sent after it', () => {
    expect(foundLate(slow(0, { ...first, duration_us: 0 }, 1), slow(1, second, 0))).toEqual(['proven'])
  })

  test.each<[string, readonly Step[]]>([
    [
      'that do not say when they were answered',
      [slow(0, { duration_us: undefined }), slow(1, { duration_us: undefined })],
    ],
    ['that name no version', [slow(0, untold), slow(1, untold)]],
    [
      'that name each other in a circle as what they replaced',
      [
        slow(0, { overwritten_version: token('2'), version: token('1') }),
        slow(1, { overwritten_version: token('3'), version: token('2') }),
        slow(2, { overwritten_version: token('1'), version: token('3') }),
      ],
    ],
  ])('nothing is proven of those %s', (_, steps) => {
    expect(foundLate(...steps)).toEqual(['indeterminate'])
  })
})

describe('what the system took and the database refused is a split', () => {
  test.each<[string, string, readonly Step[]]>([
    [
      'of no timestamp',
      'proven write-rejected name',
      [
        sync('ok', { name: 'b', at: '2' }),
        write(
          { name: ['a', 'a', 'b', 'value'], at: ['1', '1', '2', 'last_write_wins'] },
          { outcome: 'rejected' },
        ),
      ],
    ],
    [
      'of nothing that was not sent',
      'proven write-rejected name',
      [
        sync('ok', { name: 'b' }),
        write({ name: ['a', 'a', 'b', 'value'], city: ['x', 'x', 'y', 'value'] }, { outcome: 'rejected' }),
      ],
    ],
    [
      'whatever timestamp it was sent with',
      'proven write-rejected name',
      [
        sync('ok', { name: 'b', at: '9' }),
        write(
          { name: ['a', 'a', 'b', 'value'], at: ['1', '1', '2', 'last_write_wins'] },
          { outcome: 'rejected', version: undefined },
        ),
      ],
    ],
    [
      'where the row was to be deleted, whatever it held',
      'proven write-rejected ',
      [sync('ok', {}, { action: 'delete' }), write({}, { action: 'delete', outcome: 'rejected', ...unread })],
    ],
  ])('%s', (_, expected, steps) => {
    expect(found(...steps)).toEqual([expected])
  })

  const rejected = (rest: Parameters<typeof write>[1] = {}) =>
    write(
      { name: ['a', 'a', 'b', 'value'], city: ['x', 'x', 'y', 'value'] },
      { outcome: 'rejected', ...rest },
    )
  test.each<[string, readonly Step[]]>([
    [
      'another version',
      [sync('ok', { street: 's' }, { version: token('3') }), rejected({ version: token('9') })],
    ],
    [
      'something else, and nobody names a version',
      [sync('ok', { street: 's' }), rejected({ version: undefined })],
    ],
    ['another value of one of the fields', [sync('ok', { name: 'b', city: 'z' }), rejected()]],
    ['its deletion', [sync('ok', { name: 'b', city: 'y' }, { action: 'delete' }), rejected()]],
  ])('and none where the system took %s', (_, steps) => {
    expect(found(...steps)).toEqual([])
  })
})

test('a system that no outbox serves is due, though one serves another system', () => {
  const both = started({ syncs: [{ system: 'crm', async: true }, { system: 'ats' }] })
  const whole = history(both, cleanWrite('name', 'a', 'b'), end)
  expect(partialWrite.detect(whole)).toMatchObject([{ verdict: 'proven', details: { system: 'ats' } }])
})

test('what a sibling sent is not what a called operation sent', () => {
  const whole = history(
    started(),
    call(start, cleanWrite('name', 'a', 'b'), end),
    call(started(), sync('ok', { name: 'b' }), end),
    end,
  )
  const called = historyOfCalled(whole)
  const isOwn = (event: StoredEvent) =>
    event.kind !== 'process_ended' && event.operation_id === called.operationId
  const alone = {
    ...called,
    events: called.events.filter(isOwn),
    family: [...called.family, ...called.events.filter((event) => !isOwn(event))],
  }
  expect(partialWrite.detect(alone)).toMatchObject([{ verdict: 'proven', details: { how: 'never-sent' } }])
})
