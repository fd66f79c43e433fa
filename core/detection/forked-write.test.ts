import { describe, expect, test } from 'vitest'
import type { OperationHistory } from './history.ts'
import { detectOperation } from './index.ts'
import { beside, finished, operation, started, token, without, write } from './testing/history-builder.ts'
import type { Change } from './testing/steps.ts'

/** A mark by hand: it names the version that it came from, and nobody knows what it replaced. */
const blind = (number: number, changes: Record<string, Change>, rest: Parameters<typeof write>[1] = {}) =>
  operation(
    { operation: number, fromMs: number },
    started(),
    write(changes, {
      overwritten_version: undefined,
      overwritten_by_self: undefined,
      overwritten_fields: undefined,
      version: undefined,
      ...rest,
    }),
    finished(),
  )
const mine = blind(0, { email: ['a', undefined, 'b', 'value'], name: ['x', undefined, 'x', 'value'] })
const theirs = blind(1, { email: ['a', undefined, 'a', 'value'], name: ['x', undefined, 'y', 'value'] })
const forks = (whole: OperationHistory) =>
  detectOperation(whole).findings.filter(({ kind }) => kind === 'lost-update')

describe('two writes from one version, of which nobody knows what they replaced', () => {
  test('are a hazard and never proven, the same from both sides', () => {
    expect(forks(beside(mine, theirs))).toMatchObject([{ verdict: 'hazard', fields: ['email', 'name'] }])
    expect(forks(beside(theirs, mine))).toEqual(forks(beside(mine, theirs)))
  })

  test.each([
    ['they touched different fields', blind(1, { phone: ['1', undefined, '2', 'value'] })],
    [
      'the callers supplied the values',
      blind(1, { email: ['a', undefined, 'c', 'supplied'], name: ['x', undefined, 'x', 'value'] }),
    ],
    ['they came from different versions', without(theirs, 'write', 'base_version', token('9'))],
    ['one checked the version', without(theirs, 'write', 'guard', 'version')],
    ['one was rolled back', without(theirs, 'write', 'outcome', 'rejected')],
    ['one says what it replaced', without(theirs, 'write', 'overwritten_version', token('1'))],
    ['they were one transaction', without(theirs, 'write', 'transaction')],
    ['they have one root', without(theirs, 'operation_started', 'root_operation_id', mine.operationId)],
    [
      'the version is no token',
      without(without(theirs, 'write', 'base_version', '1'), 'write', 'known_versions', []),
    ],
  ])('claim nothing where %s', (_, other) => {
    const bare = blind(0, { email: ['a', undefined, 'b', 'supplied'] })
    expect(forks(beside(_ === 'the callers supplied the values' ? bare : mine, other))).toEqual([])
  })

  const both = (field: string, value: unknown) => [
    without(mine, 'write', field, value),
    without(theirs, 'write', field, value),
  ]
  test.each([
    ['they were of two systems', mine, without(theirs, 'write', 'system', 'archive')],
    [
      'they were of two entities',
      mine,
      without(theirs, 'write', 'entity', { type: 'candidate', id: 'c-18' }),
    ],
    ['they were one transaction', ...both('transaction', 'tx-1')],
    [
      'one only saw what it did not write',
      mine,
      blind(
        1,
        { phone: ['1', undefined, '2', 'value'] },
        { fields: { phone: 'key1.auto.2', email: 'key1.auto.z' } },
      ),
    ],
    ['they made the row', ...both('action', 'create')],
    ['the version that both name is no token', ...both('base_version', '1')],
    [
      'they wrote the same',
      blind(0, { email: ['a', undefined, 'b', 'value'] }),
      blind(1, { email: ['a', undefined, 'b', 'value'] }),
    ],
    [
      'the only one that computed overwrote no change',
      blind(0, { email: ['a', undefined, 'b', 'value'] }),
      blind(1, { email: ['a', undefined, 'a', 'supplied'] }),
    ],
  ])('claim nothing at all where %s', (_, own = mine, other = theirs) => {
    expect(forks(beside(own, other))).toEqual([])
  })
})
