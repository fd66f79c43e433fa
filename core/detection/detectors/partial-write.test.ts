import { describe, expect, test } from 'vitest'
import type { OperationHistory } from '../history.ts'
import {
  call,
  cleanWrite,
  finished,
  history,
  historyOfCalled,
  incomplete,
  type Step,
  started,
  startedFor,
  sync,
  token,
  without,
  write,
} from '../testing/history-builder.ts'
import { partialWrite } from './partial-write.ts'

const other = { type: 'candidate', id: 'c-18' }
const verdicts = (whole: OperationHistory) =>
  partialWrite.detect(whole).map(({ verdict, details }) => `${verdict} ${details.how}`)
const start = startedFor('ats')
const end = finished()
const committed = cleanWrite('name', 'Ann', 'Anna')
const rejected = sync('rejected', { name: 'Anna' })
const acknowledged = sync('ok', { name: 'Anna' })
const reverse = history(start, acknowledged, cleanWrite('name', 'Ann', 'Anna', { outcome: 'rejected' }), end)
const overlapping = history(
  start,
  cleanWrite('name', 'a', 'b', { duration_us: 50_000 }),
  cleanWrite('name', 'c', 'a', { overwritten_version: token('7'), version: token('8') }),
  sync('rejected', { name: 'a' }, { monotonic_us: 60_000 }),
  finished({ monotonic_us: 70_000 }),
)
const violating = history(start, committed, rejected, finished({ outcome: 'failed' }))

describe('a partial write is proven', () => {
  test('when the database committed and the declared system rejected it', () => {
    const [finding] = partialWrite.detect(violating)
    expect(finding).toMatchObject({
      verdict: 'proven',
      fields: ['name'],
      summary: 'syncCandidate committed candidate c-17 and ats rejected it',
      details: { system: 'ats', how: 'rejected' },
    })
    expect(finding?.witness.events.map((event) => event.kind)).toEqual([
      'operation_started',
      'write',
      'sync',
      'operation_finished',
    ])
  })

  const cases: Record<string, [string, OperationHistory]> = {
    'when nothing was ever sent': ['proven never-sent', history(start, committed, end)],
    'when the last of several attempts was rejected': [
      'proven rejected',
      history(start, committed, rejected, sync('rejected', { name: 'Anna' }, { attempt: 2 }), end),
    ],
    'when an attempt got through, but with older values than the one that was rejected': [
      'proven rejected',
      history(
        start,
        cleanWrite('name', 'a', 'b'),
        sync('ok', { name: 'b' }),
        cleanWrite('name', 'b', 'c'),
        sync('rejected', { name: 'c' }),
        end,
      ),
    ],
    'when a called operation wrote and the caller was rejected': [
      'proven rejected',
      history(start, call(started(), committed, end), rejected, end),
    ],
    'when a called operation was rejected': [
      'proven rejected',
      history(start, committed, call(started(), rejected, end), end),
    ],
    'when the failure was noted in the row afterwards': [
      'proven rejected',
      history(
        start,
        committed,
        rejected,
        cleanWrite('syncError', 'no', 'yes', { base_fields: { name: 'key1.auto.Anna' } }),
        end,
      ),
    ],
    'when a new row was noted to have failed': [
      'proven rejected',
      history(
        start,
        write(
          { name: [undefined, undefined, 'Ann', 'value'] },
          { action: 'create', overwritten_version: 'none' },
        ),
        rejected,
        write({ triedAt: ['1', '1', '2', 'last_write_wins'] }),
        end,
      ),
    ],
    'when another entity got through': [
      'proven rejected',
      history(start, committed, rejected, sync('ok', { name: 'Anna' }, { entity: other }), end),
    ],
    'when a row was deleted and the delete was rejected': [
      'proven rejected',
      history(start, write({}, { action: 'delete' }), sync('rejected', {}, { action: 'delete' }), end),
    ],
    'for each entity that was tried and rejected': [
      'proven rejected',
      history(
        start,
        cleanWrite('name', 'a', 'b', { entity: other }),
        sync('rejected', { name: 'b' }, { entity: other }),
        end,
      ),
    ],
    'when the system acknowledged what the database rejected': [
      'proven write-rejected',
      history(start, acknowledged, cleanWrite('name', 'Ann', 'Anna', { outcome: 'rejected' }), end),
    ],
    'when it did, and a trigger would have changed another value on the way': [
      'proven write-rejected',
      history(
        start,
        sync('ok', { name: 'Anna', phone: '12' }),
        write(
          { name: ['Ann', 'Ann', 'Anna', 'supplied'], phone: ['1', '1', '+12', 'unknown'] },
          { outcome: 'rejected' },
        ),
        end,
      ),
    ],
    'when a transaction was rolled back after the sync': [
      'proven write-rejected',
      history(
        start,
        sync('ok', {}, { version: token('3') }),
        write({}, { outcome: 'rejected', transaction: 't1' }),
        end,
      ),
    ],
    'when the system deleted what the database kept': [
      'proven write-rejected',
      history(
        start,
        sync('ok', {}, { action: 'delete' }),
        write({}, { action: 'delete', outcome: 'rejected' }),
        end,
      ),
    ],
  }
  test.each(Object.entries(cases))('%s', (_, [expected, whole]) => {
    expect(verdicts(whole).filter((verdict) => verdict.startsWith('proven'))).toEqual([expected])
  })

  test('of each system on its own', () => {
    const whole = history(startedFor('ats', 'crm'), committed, acknowledged, end)
    expect(partialWrite.detect(whole)).toMatchObject([{ details: { system: 'crm', how: 'never-sent' } }])
  })

  test('of a called operation, whatever its caller had sent before', () => {
    const whole = history(start, acknowledged, call(startedFor('ats'), committed, end), end)
    expect(verdicts(historyOfCalled(whole))).toEqual(['proven never-sent'])
  })

  test('once: by the called operation, where it declares the system itself', () => {
    const whole = history(start, call(startedFor('ats'), committed, rejected, end), end)
    expect(verdicts(whole)).toEqual([])
    expect(verdicts(historyOfCalled(whole))).toEqual(['proven rejected'])
  })
})

describe('no partial write is claimed', () => {
  const clean: Record<string, readonly Step[]> = {
    'when the sync was acknowledged': [start, committed, acknowledged, end],
    'when a second attempt was acknowledged': [start, committed, rejected, acknowledged, end],
    'when a called operation sent it': [start, committed, call(started(), acknowledged, end), end],
    'when an operation called by a called one sent it': [
      start,
      committed,
      call(started(), call(started(), acknowledged, end), end),
      end,
    ],
    'when a called operation tried again': [
      start,
      committed,
      rejected,
      call(started(), acknowledged, end),
      end,
    ],
    'without declared systems': [started(), committed, rejected, end],
    'when a delete found no row to delete': [
      start,
      write({}, { action: 'delete', overwritten_version: 'none' }),
      sync('rejected', {}, { action: 'delete' }),
      end,
    ],
    'when a write only set a new timestamp': [
      start,
      write({ name: ['a', 'a', 'a', 'value'], at: ['1', '1', '2', 'last_write_wins'] }),
      end,
    ],
    'when the refused payload has nothing of what was written': [
      start,
      committed,
      sync('rejected', { views: '7' }),
      end,
    ],
    'when the database refused what it already had': [
      start,
      sync('ok', { name: 'a' }),
      write({ name: ['a', 'a', 'a', 'value'] }, { outcome: 'rejected' }),
      end,
    ],
    'of a system that an outbox serves': [
      started({ syncs: [{ system: 'ats', async: true }] }),
      committed,
      end,
    ],
    'when an answer never came': [start, committed, sync('unknown'), end],
    'when the last answer was a rejection and one before never came': [
      start,
      committed,
      sync('unknown'),
      rejected,
      end,
    ],
    'when the same had been acknowledged before': [start, committed, acknowledged, rejected, end],
    'when what was acknowledged cannot be compared': [
      start,
      committed,
      sync('ok', { name: '!' }),
      rejected,
      end,
    ],
    'when one of several before had carried the same': [
      start,
      cleanWrite('name', 'a', 'b'),
      sync('ok', { name: 'b' }),
      cleanWrite('name', 'b', 'c'),
      sync('ok', { name: 'c' }),
      sync('rejected', { name: 'c' }),
      end,
    ],
    'when what was rejected is not what was written': [
      start,
      committed,
      acknowledged,
      sync('rejected', { name: 'z' }),
      end,
    ],
    'when it is not clear which attempt was the last': [
      start,
      committed,
      sync('ok', { name: 'Ann' }, { monotonic_us: 9_000 }),
      sync('rejected', { name: 'Anna' }, { monotonic_us: 8_000 }),
      finished({ monotonic_us: 20_000 }),
    ],
    'when the write was rolled back too': [
      start,
      cleanWrite('name', 'a', 'b', { outcome: 'rejected' }),
      rejected,
      end,
    ],
    'when nothing was written': [start, rejected, end],
    'when it is not known whether the database committed': [
      start,
      cleanWrite('name', 'a', 'b', { outcome: 'unknown' }),
      rejected,
      end,
    ],
    'when a second write is not known to have happened': [
      start,
      committed,
      rejected,
      cleanWrite('name', 'b', 'a', { outcome: 'unknown' }),
      end,
    ],
    'when more rows were written than are reported': [
      start,
      committed,
      rejected,
      cleanWrite('name', 'b', 'a', { rows_over_limit: 9 }),
      end,
    ],
    'when the write changed nothing': [start, cleanWrite('name', 'a', 'a'), end],
    'when the write was undone after the rejection': [
      start,
      committed,
      rejected,
      cleanWrite('name', 'Anna', 'Ann'),
      end,
    ],
    'when it was undone, but for the timestamp': [
      start,
      write({ name: ['a', 'a', 'b', 'value'], at: ['1', '1', '2', 'last_write_wins'] }),
      rejected,
      write({ name: ['b', 'b', 'a', 'value'], at: ['2', '2', '3', 'last_write_wins'] }),
      end,
    ],
    'when it may have been undone': [
      start,
      write({ name: [undefined, undefined, 'b', 'value'] }),
      rejected,
      cleanWrite('name', 'b', 'a'),
      end,
    ],
    'when a new row was taken out again': [
      start,
      write(
        { name: [undefined, undefined, 'a', 'value'] },
        { action: 'create', overwritten_version: 'none' },
      ),
      rejected,
      write({}, { action: 'delete' }),
      end,
    ],
    'of an entity that the operation is not about and never sent': [
      start,
      cleanWrite('name', 'a', 'b', { entity: other }),
      end,
    ],
    'of never sending, when something was sent under another name': [
      start,
      committed,
      sync('ok', {}, { entity: other }),
      end,
    ],
    'of a rejection that was for another operation': [
      start,
      committed,
      sync('rejected', {}, { on_behalf_of: '018f0000-0000-4000-9000-0000000000ff' }),
      end,
    ],
    'of what was written to the external system itself': [
      start,
      cleanWrite('name', 'a', 'b', { system: 'ats' }),
      end,
    ],
    'when the database took it at the second try': [
      start,
      acknowledged,
      cleanWrite('name', 'Ann', 'Anna', { outcome: 'rejected' }),
      committed,
      end,
    ],
    'when the acknowledged sync was taken back': [
      start,
      acknowledged,
      cleanWrite('name', 'Ann', 'Anna', { outcome: 'rejected' }),
      sync('ok', { name: 'Ann' }),
      end,
    ],
    'when the acknowledged sync carried something else': [
      start,
      sync('ok', { phone: '1' }),
      cleanWrite('name', 'Ann', 'Anna', { outcome: 'rejected' }),
      end,
    ],
    'when the acknowledged creation was deleted again': [
      start,
      acknowledged,
      cleanWrite('name', 'Ann', 'Anna', { outcome: 'rejected' }),
      sync('ok', {}, { action: 'delete' }),
      end,
    ],
    'before the operation ended': [start, committed, rejected],
  }
  test.each(Object.entries(clean))('%s', (_, steps) => {
    expect(verdicts(history(...steps))).toEqual([])
  })

  test.each([
    ['operation_started', 'syncs'],
    ['sync', 'outcome'],
    ['write', 'outcome'],
  ] as const)('without %s.%s', (kind, field) => {
    expect(verdicts(without(violating, kind, field))).toEqual([])
  })
})

describe('a partial write is indeterminate, with the reason,', () => {
  test.each<[string, OperationHistory, RegExp]>([
    ['when events are missing', incomplete(violating), /missing/],
    ['when events are missing of what the database rejected', incomplete(reverse), /missing/],
    [
      'when the transaction of what the database rejected is not known',
      without(reverse, 'write', 'transaction'),
      /transaction/,
    ],
    ['when the transaction is not known', without(violating, 'write', 'transaction'), /transaction/],
    ['when its own writes overlapped with another writer between', overlapping, /overlapped/],
    [
      'when a call was unanswered at the end',
      history(start, committed, finished({ in_flight: 1 })),
      /unanswered/,
    ],
    [
      'when what a called operation did is not at hand',
      { ...history(start, committed, call(started(), acknowledged, end), end), family: [] },
      /not at hand/,
    ],
    [
      'when a called operation was still running',
      history(start, committed, call(started()), end),
      /unanswered/,
    ],
    [
      'when an answer came after the end',
      history(start, committed, finished({ duration_us: 1 }), sync('ok', {}, { monotonic_us: 1 })),
      /unanswered/,
    ],
  ])('%s', (_, whole, reason) => {
    const findings = partialWrite.detect(whole)
    expect(findings).toMatchObject([{ verdict: 'indeterminate', reason: expect.stringMatching(reason) }])
  })

  test('under the id that it has once it is proven', () => {
    const [early] = partialWrite.detect(incomplete(violating))
    const [late] = partialWrite.detect(violating)
    expect(early?.id).toBe(late?.id)
  })
})
