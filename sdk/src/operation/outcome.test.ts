import { expect, it } from 'vitest'
import {
  outcomeOfDatabaseError,
  outcomeOfSyncError,
  outcomeOfSyncResult,
  outcomeOfWriteResult,
} from './outcome.ts'

it.each([
  ['23505', 'rejected'],
  ['40001', 'rejected'],
  ['40P01', 'rejected'],
  ['22P02', 'rejected'],
  ['42703', 'rejected'],
  ['P0001', 'rejected'],
  ['57014', 'rejected'],
  ['08006', 'unknown'],
  ['57P01', 'unknown'],
  ['40003', 'unknown'],
  ['XX000', 'unknown'],
  ['EPIPE', 'unknown'],
  ['ECONNRESET', 'unknown'],
  [undefined, 'unknown'],
])('a statement that failed with %s is %s', (code, outcome) => {
  expect(outcomeOfDatabaseError(Object.assign(new Error('x'), { code }))).toBe(outcome)
})

it('only a definite status says that a sync was not applied', () => {
  const of = (status: number, action: 'update' | 'delete' = 'update') =>
    outcomeOfSyncError({ status }, action).outcome
  expect([400, 404, 410, 422].map((status) => of(status))).toEqual(Array(4).fill('rejected'))
  expect([408, 409, 425, 429, 500, 503, 301].map((status) => of(status))).toEqual(Array(7).fill('unknown'))
  expect([404, 410].map((status) => of(status, 'delete'))).toEqual(['unknown', 'unknown'])
  expect(outcomeOfSyncError(new Error('socket hang up'), 'update')).toEqual({
    outcome: 'unknown',
    status: undefined,
  })
  expect(outcomeOfSyncError({ statusCode: 422 }, 'update').outcome).toBe('rejected')
  expect(outcomeOfSyncError(null, 'update').outcome).toBe('unknown')
})

it('a response is judged by its status, a record of the app by nothing', () => {
  const of = (value: unknown) => outcomeOfSyncResult(value, 'update').outcome
  expect([200, 201, 204].map((status) => of({ status, headers: {} }))).toEqual(['ok', 'ok', 'ok'])
  expect(of({ status: 202, headers: {} })).toBe('unknown')
  expect(of({ status: 422, headers: {} })).toBe('rejected')
  expect(of({ status: 422 })).toBe('ok')
  expect(of(undefined)).toBe('ok')
})

it('a statement of node-postgres that touched no row wrote nothing', () => {
  expect(outcomeOfWriteResult({ command: 'UPDATE', rowCount: 0, rows: [] })).toBe('rejected')
  expect(outcomeOfWriteResult({ command: 'UPDATE', rowCount: 1, rows: [] })).toBe('ok')
  expect(outcomeOfWriteResult({ rowCount: 0 })).toBe('ok')
})
