import { expect, it } from 'vitest'
import { StoreUnavailableError, storeError } from './errors.ts'

const withCode = (code: string) => Object.assign(new Error('x'), { code })

it.each([
  withCode('ECONNREFUSED'),
  withCode('57P01'),
  withCode('08006'),
  withCode('53300'),
  withCode('53100'),
  withCode('55P03'),
  withCode('25006'),
  withCode('40P01'),
  withCode('PGLITE_GONE'),
  Object.assign(withCode('55000'), { severity: 'FATAL' }),
  new Error('Connection terminated unexpectedly'),
  new Error('timeout exceeded when trying to connect'),
  new AggregateError([withCode('ECONNREFUSED'), withCode('ECONNREFUSED')]),
])('a database that cannot be reached is unavailable: %o', (error) => {
  const said = storeError(error)
  expect(said).toBeInstanceOf(StoreUnavailableError)
  expect(said).toMatchObject({ cause: error })
  expect(storeError(said)).toBe(said)
})

it.each([withCode('23505'), withCode('55000'), new Error('boom'), 'text', undefined])(
  'anything else stays what it is: %o',
  (error) => expect(storeError(error)).toBe(error),
)
