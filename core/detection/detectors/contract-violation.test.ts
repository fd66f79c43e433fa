import { expect, test } from 'vitest'
import { bare, history, started } from '../testing/history-builder.ts'
import { contractViolation } from './contract-violation.ts'

const issues = [{ path: '/email', code: 'invalid_string' }]
const violated = (rest: object) => bare('contract_violated', { boundary: 'response', issues, ...rest })

test('a violated contract is proven by what the SDK says of it, with paths and without values', () => {
  expect(contractViolation.detect(history(started(), violated({ system: 'ats' })))).toMatchObject([
    {
      verdict: 'proven',
      fields: ['/email'],
      entity: { id: 'c-17' },
      details: { boundary: 'response', system: 'ats', issues },
      summary:
        'syncCandidate (candidate c-17) was answered by ats with what its contract does not allow: /email',
    },
  ])
})

test('each of two violations is a finding, and by itself, whatever else is missing', () => {
  const found = contractViolation.detect(history(violated({}), violated({ boundary: 'input' })))
  expect(found.map(({ summary }) => summary)).toEqual([
    'An operation was answered by the other system with what its contract does not allow: /email',
    'An operation was called with what its contract does not allow: /email',
  ])
})

test.each([
  ['nothing is wrong', { issues: [] }],
  ['the boundary is not known', { boundary: 'sideways' }],
])('is not claimed where %s', (_, rest) => {
  expect(contractViolation.detect(history(started(), violated(rest)))).toEqual([])
})

test('is not claimed of an operation that violated none', () => {
  expect(contractViolation.detect(history(started()))).toEqual([])
})
