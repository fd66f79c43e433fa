import { describe, expect, test } from 'vitest'
import type { ProcessReport } from '../../contract/index.ts'
import {
  beside,
  finished,
  history,
  operation,
  type Place,
  processReport,
  section,
  started,
  without,
  write,
} from '../testing/history-builder.ts'
import { lockVoid } from './lock-void.ts'

const verdicts = (...[whole]: Parameters<typeof lockVoid.detect>) =>
  lockVoid.detect(whole).map(({ verdict, details }) => `${verdict} ${details.how}`)

type Rest = Parameters<typeof section>[1]

/** A call that holds the section from `fromMs` on, for `heldMs`. */
function holding(place: Place & { readonly heldMs: number }, rest: Rest = {}) {
  const { heldMs, fromMs = 0 } = place
  const transaction = `tx-${place.operation ?? 0}`
  return operation(
    { ...place, fromMs: fromMs + heldMs - 2 },
    started({ name: 'rescore' }),
    ...section(heldMs - 1, { transaction, ...rest }),
    finished(),
  )
}

const elsewhere = (offset_ms: readonly [number, number], id = '2'): ProcessReport => ({
  ...processReport,
  id: `018f0000-0000-4000-8000-00000000000${id}`,
  clock: { offset_ms },
})

describe('a void lock is proven', () => {
  test('by one caller whose locking read locked nothing, once for all calls of a release', () => {
    const calls = [0, 1].map((number) => holding({ operation: number, heldMs: 5 }, { locked: false }))
    const found = calls.flatMap((call) => lockVoid.detect(call))
    expect(found).toMatchObject([
      { verdict: 'proven', details: { how: 'holds-nothing', section: 'rescore' }, entity: { id: 'c-17' } },
      { verdict: 'proven' },
    ])
    expect(new Set(found.map(({ id }) => id)).size).toBe(1)
  })

  test('by a write that replaced what another writer made since the section read the row', () => {
    const inside = write(
      { score: ['1', '2', '3', 'supplied'] },
      { section: { name: 'rescore', base_read_inside: true } },
    )
    expect(verdicts(history(inside))).toEqual(['proven foreign-version'])
  })

  test('by two calls that held it at once, the same from both sides', () => {
    const [a, b] = [holding({ operation: 0, heldMs: 10 }), holding({ operation: 1, fromMs: 4, heldMs: 10 })]
    const [fromA, fromB] = [lockVoid.detect(beside(a, b)), lockVoid.detect(beside(b, a))]
    expect(fromA).toMatchObject([{ verdict: 'proven', details: { how: 'overlap' } }])
    expect(fromB).toEqual(fromA)
  })

  test('for as long as the shorter one, where it lies within the other', () => {
    const within = beside(
      holding({ operation: 0, heldMs: 10 }),
      holding({ operation: 1, fromMs: 4, heldMs: 2 }),
    )
    expect(lockVoid.detect(within)).toMatchObject([{ details: { overlap_ms: 2 } }])
  })

  test('by two calls whose read without a row locked nothing and kept nobody out', () => {
    const [a, b] = [
      holding({ operation: 0, heldMs: 10 }, { locked: undefined }),
      holding({ operation: 1, fromMs: 4, heldMs: 10 }, { locked: undefined }),
    ]
    expect(verdicts(beside(a, b))).toEqual(['proven overlap'])
  })
})

describe('between two processes', () => {
  const at = (offset: readonly [number, number], fromMs: number) =>
    holding({ operation: 1, fromMs, heldMs: 10, process: elsewhere(offset) })
  const mine = holding({ operation: 0, heldMs: 10, process: elsewhere([-1, 1], '3') })

  test('an overlap beyond what both clocks leave open is shown, and not proven: a clock may have been set', () => {
    expect(verdicts(beside(mine, at([-1, 1], 4)))).toEqual(['indeterminate overlap'])
  })

  test.each([
    ['it is less than that', at([-4, 4], 4)],
    ['one has not told of its clock', holding({ operation: 1, fromMs: 4, heldMs: 10 })],
    ['the clocks are apart by more than the overlap', at([20, 22], 4)],
  ])('nothing is claimed where %s', (_, other) => {
    expect(verdicts(beside(mine, other))).toEqual([])
  })

  test('nothing is claimed where a clock was set while the section was held', () => {
    const torn = without(at([-1, 1], 4), 'section_left', 'at', '2026-11-20T12:00:05.000Z')
    expect(verdicts(beside(mine, torn))).toEqual([])
  })
})

describe('nothing is claimed of two calls', () => {
  const mine = holding({ operation: 0, heldMs: 10 })
  const beginning = (rest: Rest) => holding({ operation: 1, fromMs: 4, heldMs: 10 }, rest)
  test.each([
    ['that followed one another', holding({ operation: 1, fromMs: 10, heldMs: 10 })],
    ['in sections of different names', beginning({ name: 'merge' })],
    ['on different entities', beginning({ entity: { type: 'candidate', id: 'c-18' } })],
    ['in one transaction', beginning({ transaction: 'tx-0' })],
    ['of which one has an unknown transaction', beginning({ transaction: undefined })],
    ['of which one protects itself by another lock', beginning({ protection: 'advisory_lock' })],
    [
      'of which one begins under an unknown root',
      without(beginning({}), 'operation_started', 'root_operation_id'),
    ],
    ['under one root', without(beginning({}), 'operation_started', 'root_operation_id', mine.operationId)],
    [
      'of which one has lost its beginning',
      { ...beginning({}), events: beginning({}).events.filter(({ kind }) => kind !== 'section_entered') },
    ],
    ['of which one has lost its start', { ...beginning({}), events: beginning({}).events.slice(1) }],
  ])('%s', (_, other) => {
    expect(verdicts(beside(mine, other))).toEqual([])
    expect(verdicts(beside(other, mine))).toEqual([])
  })

  test.each(['version', 'serializable'] as const)(
    'that may overlap, because %s refuses one at its end',
    (protection) => {
      const [a, b] = [0, 1].map((number) => holding({ operation: number, heldMs: 10 }, { protection }))
      expect(a && b && verdicts(beside(a, b))).toEqual([])
    },
  )

  test('of which one lost the ends between two runs of the section', () => {
    const twice = operation(
      { operation: 1 },
      started(),
      ...section(1, { transaction: 'tx-a' }),
      started(),
      ...section(1, { transaction: 'tx-a' }),
    )
    const torn = { ...twice, events: twice.events.filter(({ seq }) => seq !== 1_002 && seq !== 1_004) }
    expect(verdicts(beside(holding({ operation: 0, fromMs: 1, heldMs: 3 }), torn))).toEqual([])
  })
})

describe('nothing is claimed of one call', () => {
  const inside = write(
    { score: ['1', '2', '3', 'supplied'] },
    { section: { name: 'rescore', base_read_inside: true } },
  )
  test.each([
    ['whose lock was held', holding({ heldMs: 5 })],
    ['whose lock was not checked', holding({ heldMs: 5 }, { locked: undefined })],
    ['whose section is no row lock', holding({ heldMs: 5 }, { locked: false, protection: 'advisory_lock' })],
    [
      'that read the row before the section',
      history(
        write(
          { score: ['1', '2', '3', 'supplied'] },
          { section: { name: 'rescore', base_read_inside: false } },
        ),
      ),
    ],
    ['whose write was rolled back', without(history(inside), 'write', 'outcome', 'rejected')],
    ['that does not say whose version it replaced', without(history(inside), 'write', 'overwritten_by_self')],
  ])('%s', (_, whole) => {
    expect(verdicts(whole)).toEqual([])
  })
})
