import { describe, expect, test } from 'vitest'
import { created } from '../testing/examples.ts'
import { beside, without } from '../testing/history-builder.ts'
import { duplicateCreate } from './duplicate-create.ts'

const first = created({ operation: 0 }, 'r-1')
const second = created({ operation: 1, fromMs: 3 }, 'r-2')

describe('a duplicate create', () => {
  test('is indeterminate until both records have been read, and the same from both sides', () => {
    const found = duplicateCreate.detect(beside(first, second))
    expect(found).toMatchObject([
      { verdict: 'indeterminate', details: { system: 'ats', external_ids: ['r-1', 'r-2'] } },
    ])
    const [other] = duplicateCreate.detect(beside(second, first))
    expect(other).toMatchObject({ id: found[0]?.id, details: found[0]?.details, witness: found[0]?.witness })
  })

  test('is one finding, however many there are', () => {
    const third = created({ operation: 2 }, 'r-3')
    expect(duplicateCreate.detect(beside(third, second, first))).toHaveLength(1)
  })

  test.each([
    ['the system named the same record twice', created({ operation: 1 }, 'r-1')],
    ['the keys differ', without(second, 'sync', 'unique_key', 'key1.auto.b@x')],
    ['the keys cannot be compared', without(second, 'sync', 'unique_key', 'key2.auto.a@x')],
    ['the key is not declared unique', without(second, 'sync', 'unique_key')],
    ['one was refused', without(second, 'sync', 'outcome', 'rejected')],
    ['one has no answer', without(second, 'sync', 'outcome', 'unknown')],
    ['they are in different systems', without(second, 'sync', 'system', 'crm')],
    ['one was an update', without(second, 'sync', 'action', 'update')],
    ['one did not say which record it made', without(second, 'sync', 'external_id')],
  ])('is not claimed where %s', (_, other) => {
    expect(duplicateCreate.detect(beside(first, other))).toEqual([])
    expect(duplicateCreate.detect(beside(other, first))).toEqual([])
  })
})
