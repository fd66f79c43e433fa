import { expect, test } from 'vitest'
import { bare, history, started } from '../testing/history-builder.ts'
import { invariantViolation } from './invariant-violation.ts'

const entity = { type: 'candidate', id: 'c-17' }
const violated = bare('invariant_violated', { name: 'hiredHasEmail', entity, system: 'db' })

test('a violated invariant is proven by what the SDK says of it, by itself', () => {
  expect(invariantViolation.detect(history(started(), violated))).toMatchObject([
    {
      verdict: 'proven',
      entity,
      details: { invariant: 'hiredHasEmail', system: 'db' },
      summary: 'syncCandidate left candidate c-17 in db in contradiction to hiredHasEmail',
    },
  ])
  expect(invariantViolation.detect(history(violated))).toHaveLength(1)
})

test('is not claimed of an operation that violated none', () => {
  expect(invariantViolation.detect(history(started()))).toEqual([])
})

test('is not claimed where it is not said which one', () => {
  expect(invariantViolation.detect(history(bare('invariant_violated', { entity, system: 'db' })))).toEqual([])
})
