import { describe, expect, test } from 'vitest'
import { finished, history, read, type Step, started, write } from '../testing/history-builder.ts'
import { readBeforeLock } from './read-before-lock.ts'

const lock = (values: Record<string, string> = {}, rest: Parameters<typeof read>[2] = {}) =>
  read('1', values, { lock: { mode: 'FOR UPDATE', in_transaction: true }, transaction: 'tx-1', ...rest })
const increment = (rest: Parameters<typeof write>[1] = {}) =>
  write({ score: ['10', '10', '11', 'value'] }, { guard: 'lock', transaction: 'tx-1', ...rest })
const found = (...steps: readonly Step[]) => readBeforeLock.detect(history(started(), ...steps, finished()))
const first = read('1', { score: '10' })

describe('a read before the lock', () => {
  test('is a hazard where what was computed was read before the row was locked', () => {
    expect(found(first, lock(), increment())).toMatchObject([
      {
        verdict: 'hazard',
        fields: ['score'],
        witness: { events: [{}, {}, {}] },
        details: { window: { ms: 2 } },
      },
    ])
  })

  test.each<[string, readonly Step[]]>([
    ['the lock reads it again', [first, lock({ score: '10' }), increment()]],
    [
      'it is read again under the lock',
      [first, lock(), read('1', { score: '10' }, { transaction: 'tx-1' }), increment()],
    ],
    ['nothing is locked', [first, increment()]],
    ['the lock is of another transaction', [first, lock({}, { transaction: 'tx-2' }), increment()]],
    [
      'the lock is outside of a transaction',
      [first, lock({}, { lock: { mode: 'FOR UPDATE', in_transaction: false } }), increment()],
    ],
    ['the row was locked before', [lock(), first, increment()]],
    [
      'the caller supplied the value',
      [first, lock(), write({ score: ['10', '10', '11', 'supplied'] }, { transaction: 'tx-1' })],
    ],
    ['another field was read', [read('1', { email: 'a' }), lock(), increment()]],
    [
      'another row was read',
      [read('1', { score: '10' }, { entity: { type: 'candidate', id: 'c-18' } }), lock(), increment()],
    ],
    ['the write was rolled back', [first, lock(), increment({ outcome: 'rejected' })]],
  ])('is not claimed where %s', (_, steps) => {
    expect(found(...steps)).toEqual([])
  })

  test('is not claimed while the function is not known', () => {
    expect(readBeforeLock.detect(history(first, lock(), increment()))).toEqual([])
  })
})
