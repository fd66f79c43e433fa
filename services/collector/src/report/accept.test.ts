import { expect, test } from 'vitest'
import { preferredType } from './accept.ts'

const offered = ['application/json', 'application/x-ndjson', 'text/csv'] as const

test.each([
  [undefined, 'application/json'],
  ['', 'application/json'],
  ['*/*', 'application/json'],
  ['text/csv', 'text/csv'],
  ['TEXT/CSV; charset=utf-8', 'text/csv'],
  ['text/*', 'text/csv'],
  ['text/csv;q=0.5, application/x-ndjson', 'application/x-ndjson'],
  ['application/json;q=0, */*', 'application/x-ndjson'],
  ['image/png', 'application/json'],
  ['text/csv;q=nonsense', 'application/json'],
])('Accept: %s gets %s', (accept, type) => {
  expect(preferredType(accept, offered)).toBe(type)
})
