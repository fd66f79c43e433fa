import { describe, expect, test } from 'vitest'
import { reorderedSync } from './detectors/reordered-sync.ts'
import type { OperationHistory } from './history.ts'
import { detectOperation } from './index.ts'
import { synced } from './testing/examples.ts'
import {
  beside,
  finished,
  operation,
  started,
  sync,
  token,
  without,
  write,
} from './testing/history-builder.ts'
import { withNeighbours } from './testing/neighbours.ts'

const verdicts = (whole: OperationHistory) =>
  detectOperation(whole, [reorderedSync]).findings.map(
    ({ verdict, details }) => `${verdict} ${details.order}`,
  )
const change = (value: string, from: string | undefined, to: string | undefined) =>
  write(
    { email: ['0', '0', value, 'supplied'] },
    { overwritten_version: from && token(from), version: to && token(to) },
  )
const sent = (value: string, version: string, atMs: number) =>
  sync('ok', { email: value }, { version: token(version), monotonic_us: atMs * 1_000 })

/** Made version 2, and sent it at 20 ms. */
const late = operation({ operation: 0 }, started(), change('a', '1', '2'), sent('a', '2', 20), finished())
/** Made version 3 of it, and sent it from 4 ms to 9 ms. */
const newer = synced({ operation: 1, fromMs: 2 }, ['2', '3', 'b'])
const told = (whole: OperationHistory, rest: object) =>
  Object.entries(rest).reduce((now, [field, value]) => without(now, 'sync', field, value), whole)

describe('an older version that was applied last is proven by the clock', () => {
  test.each<[string, OperationHistory, OperationHistory]>([
    ['of one record of the system', told(late, { external_id: 'r-1' }), told(newer, { external_id: 'r-1' })],
    ['where only the older sync names the record', told(late, { external_id: 'r-1' }), newer],
    ['where only the newer sync names the record', late, told(newer, { external_id: 'r-1' })],
    [
      'where only the newer sync tells its revision',
      late,
      told(newer, { external_version: '7', external_ordered: true }),
    ],
    [
      'where only the older sync tells its revision',
      told(late, { external_version: '7', external_ordered: true }),
      newer,
    ],
    [
      'where what is called a revision is no number',
      told(late, { external_version: 'v7', external_ordered: true }),
      told(newer, { external_version: 'v8', external_ordered: true }),
    ],
    [
      'where revisions may be of two records',
      told(late, { external_version: '7', external_ordered: true, external_id: 'r-1' }),
      told(newer, { external_version: '8', external_ordered: true }),
    ],
  ])('%s', (_, older, other) => {
    expect(verdicts(beside(older, other))).toEqual(['proven monotonic'])
  })
})

describe('nothing is claimed', () => {
  /** Came back to the value of version 2 in version 4, and sent that. */
  const cameBack = operation(
    { operation: 0 },
    started(),
    change('a', '1', '2'),
    change('a', '3', '4'),
    sent('a', '4', 20),
    finished(),
  )
  const between = operation({ operation: 2 }, started(), change('z', '2', undefined), finished())
  const unlinked = operation(
    { operation: 1, fromMs: 2 },
    started(),
    change('b', undefined, '3'),
    sync('ok', { email: 'b' }, { version: token('3'), duration_us: 5_000 }),
    finished(),
  )
  /** Told the system what it was about to write, and names no version. */
  const sentFirst = operation(
    { operation: 1, fromMs: 2 },
    started(),
    sync('ok', { email: 'b' }, { duration_us: 500 }),
    change('b', '2', '3'),
    finished(),
  )
  test.each<[string, OperationHistory]>([
    ['where the newer one was sent before its row was written', beside(late, sentFirst)],
    ['where the later sync carries a later version of the same operation', beside(cameBack, newer)],
    ['where the chain of versions has a write that names none', beside(late, between, unlinked)],
    [
      'where the syncs are of different entities',
      beside(late, told(newer, { entity: { type: 'candidate', id: 'c-18' } })),
    ],
    [
      'where the older payload says something else than its row',
      beside(told(late, { fields: { email: 'key1.auto.z' } }), newer),
    ],
    ['where both versions say the same', beside(late, synced({ operation: 1, fromMs: 2 }, ['2', '3', 'a']))],
    ['where the later sync deleted the record', beside(told(late, { action: 'delete' }), newer)],
    ['where the older version was a deletion', beside(without(late, 'write', 'action', 'delete'), newer)],
    [
      'where nobody knows when the newer one was answered',
      beside(late, without(newer, 'sync', 'duration_us')),
    ],
  ])('%s', (_, whole) => {
    expect(verdicts(whole)).toEqual([])
  })
})

describe('whichever operation is judged, links alone lead to the others', () => {
  const everywhere = (...all: readonly OperationHistory[]) =>
    withNeighbours(all).map((each) => reorderedSync.detect(each).length)

  test('where nothing declares what must be reached', () => {
    const undeclared = without(newer, 'operation_started', 'syncs')
    expect(everywhere(late, undeclared)).toEqual([1, 1])
    expect(reorderedSync.detect(beside(late, undeclared))).toHaveLength(1)
  })

  test('where an outbox sent both', () => {
    const made = (number: number, from: string, to: string, value: string) =>
      operation(
        { operation: number, fromMs: number },
        started({ syncs: [{ system: 'ats', async: true }] }),
        change(value, from, to),
      )
    const [a, b] = [made(0, '1', '2', 'a'), made(1, '2', '3', 'b')]
    const outbox = operation(
      { operation: 2, fromMs: 50 },
      started({ name: 'drain' }),
      sync('ok', { email: 'b' }, { version: token('3'), on_behalf_of: b.operationId }),
      sync('ok', { email: 'a' }, { version: token('2'), on_behalf_of: a.operationId }),
    )
    expect(everywhere(a, b, outbox)).toEqual([1, 1, 1])
    expect(reorderedSync.detect(beside(a, b, outbox))).toHaveLength(1)
  })
})
