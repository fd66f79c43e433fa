import { describe, expect, test } from 'vitest'
import { finished, history, read, type Step, started, without, write } from '../testing/history-builder.ts'
import { lockOutsideTransaction } from './lock-outside-transaction.ts'

const locking = (rest: Parameters<typeof read>[2] = {}) =>
  read('1', { email: 'a' }, { lock: { mode: 'FOR UPDATE', in_transaction: false }, ...rest })
const writing = write({ email: ['a', 'a', 'b', 'value'] })
const found = (...steps: readonly Step[]) =>
  lockOutsideTransaction.detect(history(started(), ...steps, finished()))

describe('a lock outside of a transaction', () => {
  test('is a hazard of the function, shown by one call', () => {
    expect(found(locking(), writing)).toMatchObject([
      {
        verdict: 'hazard',
        summary:
          'syncCandidate locks a candidate with FOR UPDATE outside of a transaction: the lock is gone before it writes',
        details: { function: 'syncCandidate', window: { ms: 1 } },
      },
    ])
  })

  test.each<[string, readonly Step[]]>([
    [
      'the lock is in a transaction',
      [locking({ lock: { mode: 'FOR UPDATE', in_transaction: true }, transaction: 'tx-1' }), writing],
    ],
    ['it is not known whether it is', [locking({ transaction: undefined }), writing]],
    ['nothing was locked', [locking({ found: false }), writing]],
    ['the read locks nothing', [read('1', { email: 'a' }), writing]],
    ['nothing is written', [locking()]],
    [
      'another row is written',
      [locking(), write({ email: ['a', 'a', 'b', 'value'] }, { entity: { type: 'candidate', id: 'c-18' } })],
    ],
    ['the row is written before it', [writing, locking()]],
    [
      'the write was refused',
      [locking(), write({ email: ['a', 'a', 'b', 'value'] }, { outcome: 'rejected' })],
    ],
  ])('is not claimed where %s', (_, steps) => {
    expect(found(...steps)).toEqual([])
  })

  test('is not claimed while the function is not known', () => {
    expect(lockOutsideTransaction.detect(history(locking(), writing))).toEqual([])
  })

  test('is one finding for all calls of a function', () => {
    const [a] = found(locking(), writing)
    const [b] = lockOutsideTransaction.detect(
      without(history(started(), locking(), writing), 'write', 'id', 'other'),
    )
    expect(b?.id).toBe(a?.id)
  })
})
