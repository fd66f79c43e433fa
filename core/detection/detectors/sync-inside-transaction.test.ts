import { describe, expect, test } from 'vitest'
import {
  bare,
  cleanWrite,
  finished,
  history,
  later,
  type Step,
  startedFor,
  sync,
} from '../testing/history-builder.ts'
import { syncInsideTransaction } from './sync-inside-transaction.ts'

const writing = (transaction = 'tx-1') => cleanWrite('email', 'a', 'b', { transaction })
/** Sent last, and began with the operation. */
const ended = (duration_us?: number) =>
  later(
    -3,
    bare('transaction_finished', {
      transaction: 'tx-1',
      isolation: 'read committed',
      outcome: 'ok',
      duration_us,
    }),
  )
const found = (...steps: readonly Step[]) =>
  syncInsideTransaction.detect(history(startedFor('ats'), ...steps, finished()))

describe('a sync inside of a transaction', () => {
  test('is a hazard where the other system is called between a write and its commit', () => {
    expect(found(writing(), sync('ok'), ended(10_000))).toMatchObject([
      { verdict: 'hazard', details: { system: 'ats', window: { ms: 9 } } },
    ])
  })

  test.each<[string, readonly Step[]]>([
    ['the commit came first', [writing(), sync('ok'), ended(1_500)]],
    ['nobody knows when it was committed', [writing(), sync('ok'), ended()]],
    [
      'nobody knows when the system answered',
      [writing(), sync('ok', {}, { duration_us: undefined }), ended(10_000)],
    ],
    ['nothing was written before', [sync('ok'), writing(), ended(10_000)]],
    ['the write was outside of it', [writing('none'), sync('ok'), ended(10_000)]],
    ['there was no transaction', [writing('none'), sync('ok')]],
    [
      'it serves another operation',
      [writing(), sync('ok', {}, { on_behalf_of: 'another operation' }), ended(10_000)],
    ],
  ])('is not claimed where %s', (_, steps) => {
    expect(found(...steps)).toEqual([])
  })

  test('is not claimed while the function is not known', () => {
    expect(syncInsideTransaction.detect(history(writing(), sync('ok'), ended(10_000)))).toEqual([])
  })
})
