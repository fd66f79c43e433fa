import { describe, expect, test } from 'vitest'
import { eventsOf } from '../events.ts'
import type { OperationHistory } from '../history.ts'
import {
  call,
  cleanWrite,
  finished,
  history,
  incomplete,
  type Step,
  started,
  sync,
  transactionFinished,
  without,
} from '../testing/history-builder.ts'
import { unknownOutcome } from './unknown-outcome.ts'

const open = (whole: OperationHistory) => unknownOutcome.detect(whole).map(({ details }) => details.what)
const unknownCommit = cleanWrite('name', 'a', 'b', { outcome: 'unknown', transaction: 't1' })

describe('an unknown outcome', () => {
  test('is indeterminate, with the reason', () => {
    expect(
      unknownOutcome.detect(history(started(), sync('unknown', { name: 'b' }), finished())),
    ).toMatchObject([
      {
        verdict: 'indeterminate',
        entity: { id: 'c-17' },
        fields: ['name'],
        reason: expect.any(String),
        summary: 'syncCandidate sent candidate c-17 to ats and does not know whether ats applied it',
      },
    ])
  })

  const cases: [string, readonly unknown[], readonly Step[]][] = [
    ['of a write', ['write'], [cleanWrite('name', 'a', 'b', { outcome: 'unknown' })]],
    [
      'of a commit, once for all that it holds',
      ['commit'],
      [unknownCommit, unknownCommit, transactionFinished('t1', 'unknown')],
    ],
    ['of a commit, though its writes were not reported', ['commit'], [transactionFinished('t1', 'unknown')]],
    ['once for all attempts of a sync', ['sync'], [sync('unknown'), sync('unknown', {}, { attempt: 2 })]],
    [
      'though a later attempt was rejected',
      ['sync'],
      [sync('unknown'), sync('rejected', {}, { attempt: 2 })],
    ],
    ['though an attempt before was acknowledged', ['sync'], [sync('ok'), sync('unknown')]],
    ['though another system acknowledged', ['sync'], [sync('unknown'), sync('ok', {}, { system: 'crm' })]],
    [
      'though something else was written later',
      ['write'],
      [cleanWrite('name', 'a', 'b', { outcome: 'unknown' }), cleanWrite('name', 'a', 'c')],
    ],
  ]
  test.each(cases)('is reported %s', (_, expected, steps) => {
    expect(open(history(started(), ...steps, finished()))).toEqual(expected)
    expect(open(incomplete(history(started(), ...steps)))).toEqual(expected)
  })

  test.each<[string, readonly Step[]]>([
    [
      'every answer is known',
      [cleanWrite('name', 'a', 'b'), sync('ok'), sync('rejected'), transactionFinished('t1', 'ok')],
    ],
    ['a later attempt was acknowledged', [sync('unknown'), sync('ok', {}, { attempt: 2 })]],
    ['a called operation tried again', [sync('unknown'), call(started(), sync('ok'), finished())]],
    [
      'the same was written again',
      [unknownCommit, transactionFinished('t1', 'unknown'), cleanWrite('name', 'a', 'b')],
    ],
  ])('is not reported where %s', (_, steps) => {
    expect(open(history(started(), ...steps, finished()))).toEqual([])
  })

  test('of a commit says after when it was sent, on the clock of the collector, where that is known', () => {
    const whole = history(started(), unknownCommit, transactionFinished('t1', 'unknown'), finished())
    const [write] = eventsOf(whole.events, 'write')
    const sentMs = Date.parse(write?.at ?? '')
    const sentAfter = (offset_ms?: [number, number]) =>
      unknownOutcome
        .detect({ ...whole, process: { ...whole.process, ...(offset_ms && { clock: { offset_ms } }) } })
        .map(({ details }) => details.sent_after)
    expect(sentAfter([-250, 40])).toEqual([new Date(sentMs - 250).toISOString()])
    expect(sentAfter([Number.NaN, 0])).toEqual([undefined])
    expect(sentAfter()).toEqual([undefined])
  })

  test.each(['sync', 'write', 'transaction_finished'] as const)(
    'is not reported without the outcome of a %s',
    (kind) => {
      const step = {
        sync: sync('unknown'),
        write: unknownCommit,
        transaction_finished: transactionFinished('t1', 'unknown'),
      }
      expect(open(without(history(step[kind]), kind, 'outcome'))).toEqual([])
    },
  )
})
