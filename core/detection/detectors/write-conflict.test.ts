import { describe, expect, test } from 'vitest'
import { history, token, without, write } from '../testing/history-builder.ts'
import { writeConflict } from './write-conflict.ts'

const supplied = write({ email: ['a', 'b', 'c', 'supplied'] })

describe('a write conflict', () => {
  test('is proven, with low severity, where the caller supplied what replaced an unread version', () => {
    expect(writeConflict.detect(history(supplied))).toMatchObject([
      { verdict: 'proven', severity: 'low', fields: ['email'], entity: { id: 'c-17' } },
    ])
  })

  test('is proven where two writers touched different fields', () => {
    const disjoint = write(
      { phone: ['1', '1', '2', 'value'] },
      {
        base_fields: { email: 'key1.auto.a', name: 'key1.auto.x' },
        overwritten_fields: { email: 'key1.auto.b', name: 'key1.auto.x' },
      },
    )
    expect(writeConflict.detect(history(disjoint))).toMatchObject([{ fields: ['email'] }])
  })

  test('is proven where a row was deleted that had changed since it was read', () => {
    expect(writeConflict.detect(history(write({}, { action: 'delete', version: undefined })))).toHaveLength(1)
  })

  test.each([
    ['a loss is proven', write({ email: ['a', 'b', 'a', 'value'] })],
    [
      'the version was known',
      write({ email: ['a', 'b', 'c', 'supplied'] }, { known_versions: [token('2')] }),
    ],
    ['SQL computed the value', write({ score: ['1', '2', '3', 'expression'] })],
    ['the last writer wins', write({ updatedAt: ['1', '2', '3', 'last_write_wins'] })],
  ])('is not claimed where %s', (_, step) => {
    expect(writeConflict.detect(history(step))).toEqual([])
  })

  test.each(['outcome', 'transaction', 'overwritten_version', 'overwritten_by_self'])(
    'is not claimed without %s',
    (field) => {
      expect(writeConflict.detect(without(history(supplied), 'write', field))).toEqual([])
    },
  )

  test('is not claimed without versions that were known', () => {
    const bare = without(without(history(supplied), 'write', 'known_versions', []), 'write', 'base_version')
    expect(writeConflict.detect(bare)).toEqual([])
  })
})
