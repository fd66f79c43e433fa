import { describe, expect, test } from 'vitest'
import type { OperationHistory } from '../history.ts'
import { sentByOutbox, synced } from '../testing/examples.ts'
import {
  beside,
  finished,
  operation,
  processReport,
  started,
  sync,
  token,
  without,
  write,
} from '../testing/history-builder.ts'
import { reorderedSync } from './reordered-sync.ts'

const verdicts = (whole: OperationHistory) =>
  reorderedSync.detect(whole).map(({ verdict, fields, details }) => `${verdict} ${fields} ${details.order}`)

const revision = (external_version: string) => ({ external_version, external_ordered: true })

/** Made version 2 at 1 ms, and sent it at 20 ms. */
const late = operation(
  { operation: 0 },
  started(),
  write({ email: ['0', '0', 'a', 'supplied'] }, { overwritten_version: token('1'), version: token('2') }),
  ...[
    sync('ok', { email: 'a' }, { version: token('2'), at: '2026-11-20T12:00:00.020Z', monotonic_us: 20_000 }),
  ],
  finished(),
)
/** Made version 3 of it, and sent it from 4 ms to 9 ms. */
const newer = synced({ operation: 1, fromMs: 2 }, ['2', '3', 'b'])

/** The same, and its payload does not say which version it is. */
const unnamed = without(newer, 'sync', 'version')

describe('a reordered sync is proven', () => {
  test('by the revisions of the system, where the calls overlapped', () => {
    const a = synced({ operation: 0 }, ['1', '2', 'a'], revision('10'))
    const b = synced({ operation: 1, fromMs: 1 }, ['2', '3', 'b'], revision('9'))
    expect(verdicts(beside(a, b))).toEqual(['proven email revision'])
    expect(reorderedSync.detect(beside(b, a))).toEqual(reorderedSync.detect(beside(a, b)))
    expect(reorderedSync.detect(beside(a, b))[0]?.cause.operation_id).toBe(a.operationId)
  })

  test('where the newer one was answered before the older one was sent', () => {
    expect(verdicts(beside(late, newer))).toEqual(['proven email monotonic'])
  })

  test('over a version in between that nobody sent', () => {
    const between = operation(
      { operation: 2 },
      started(),
      write(
        { phone: ['0', '0', '1', 'supplied'] },
        { overwritten_version: token('2'), version: token('2b') },
      ),
    )
    const last = synced({ operation: 1, fromMs: 2 }, ['2b', '3', 'b'])
    for (const whole of [
      beside(late, last, between),
      beside(between, late, last),
      beside(last, between, late),
    ])
      expect(verdicts(whole)).toEqual(['proven email monotonic'])
  })

  test('where a payload does not say which version it is, and its operation made one alone', () => {
    for (const whole of [beside(late, unnamed), beside(unnamed, late)])
      expect(verdicts(whole)).toEqual(['proven email monotonic'])
  })

  test('where an outbox sent them', () => {
    const { older: a, newer: b, outbox } = sentByOutbox()
    for (const whole of [beside(outbox, a, b), beside(a, b, outbox), beside(b, outbox, a)])
      expect(verdicts(whole)).toEqual(['proven email monotonic'])
  })
})

test('between two processes whose clocks both leave no doubt it is shown, and not proven', () => {
  const on = (whole: OperationHistory, id: string) => ({
    ...whole,
    process: { ...processReport, id, clock: { offset_ms: [-1, 1] as const } },
  })
  expect(verdicts(beside(on(late, 'a'), on(newer, 'b')))).toEqual(['indeterminate email wall'])
  expect(verdicts(beside(on(late, 'a'), { ...newer, process: { ...processReport, id: 'b' } }))).toEqual([])
})

test('within a process that is made of spans it is shown, and not proven: its clock may have been set', () => {
  const spans = { ...processReport, id: '018f0000-0000-8000-8000-000000000001' }
  const on = (whole: OperationHistory) => ({ ...whole, process: spans })
  expect(verdicts(beside(on(late), on(newer)))).toEqual(['indeterminate email wall'])
})

describe('nothing is claimed', () => {
  const twice = operation(
    { operation: 1, fromMs: 0 },
    started(),
    write({ email: ['0', '0', 'c', 'supplied'] }, { overwritten_version: token('2'), version: token('3') }),
    write({ email: ['0', '0', 'b', 'supplied'] }, { overwritten_version: token('3'), version: token('4') }),
    sync('ok', { email: 'b' }, {}),
    finished(),
  )
  const retried = (rest: object) => without(late, 'sync', 'attempt', { attempt: 2, ...rest }.attempt)
  const unlike = (field: string, value?: unknown) => beside(late, without(newer, 'sync', field, value))
  const ends = (facts: object) => {
    const [[name, value] = ['', undefined]] = Object.entries(facts)
    return without(unnamed, 'operation_finished', name, value)
  }
  test.each<[string, OperationHistory]>([
    [
      'where the older one was sent first',
      beside(
        synced({ operation: 0 }, ['1', '2', 'a']),
        synced({ operation: 1, fromMs: 20 }, ['2', '3', 'b']),
      ),
    ],
    [
      'where the calls overlapped',
      beside(synced({ operation: 0 }, ['1', '2', 'a']), synced({ operation: 1, fromMs: 1 }, ['2', '3', 'b'])),
    ],
    [
      'where the revisions say that the older one came first',
      beside(
        without(without(late, 'sync', 'external_version', '4'), 'sync', 'external_ordered', true),
        without(without(newer, 'sync', 'external_version', '5'), 'sync', 'external_ordered', true),
      ),
    ],
    ['where an earlier attempt may have been the one that was applied', beside(retried({}), newer)],
    [
      'where it may have been, and was answered with the revision of later',
      beside(
        synced({ operation: 0 }, ['1', '2', 'a'], { ...revision('10'), attempt: 2 }),
        synced({ operation: 1, fromMs: 1 }, ['2', '3', 'b'], revision('9')),
      ),
    ],
    [
      'where the system may have known it by its key, and answered with the revision of later',
      beside(
        synced({ operation: 0 }, ['1', '2', 'a'], { ...revision('10'), idempotency_key: 'k' }),
        synced({ operation: 1, fromMs: 1 }, ['2', '3', 'b'], revision('9')),
      ),
    ],
    [
      'where the system may have known the attempt by its key',
      beside(without(late, 'sync', 'idempotency_key', 'k'), newer),
    ],
    ['where the newer one was not acknowledged', unlike('outcome', 'unknown')],
    ['where both say the same', unlike('fields', { email: 'key1.auto.a' })],
    ['where they share no field', unlike('fields', { phone: 'key1.auto.1' })],
    ['where the payload says something else than its row', unlike('fields', { email: 'key1.auto.z' })],
    ['where they went to different systems', unlike('system', 'crm')],
    [
      'where they are of different records of the system',
      beside(without(late, 'sync', 'external_id', 'r-1'), without(newer, 'sync', 'external_id', 'r-2')),
    ],
    ['where nobody knows which version the payload was', beside(late, { ...unnamed, complete: false })],
    ['where it may be one that a called operation made', beside(late, ends({ calls: 1 }))],
    ['where it may be one that was still unanswered', beside(late, ends({ in_flight: 1 }))],
    [
      'where it may be one of who called the operation',
      beside(late, without(unnamed, 'operation_started', 'parent_operation_id', late.operationId)),
    ],
    [
      'where the operation made another version of the record',
      beside(late, without(twice, 'sync', 'version')),
    ],
    [
      'where nothing orders the versions',
      beside(late, without(newer, 'write', 'overwritten_version', token('9'))),
    ],
    ['where the newer version was rolled back', beside(late, without(newer, 'write', 'outcome', 'rejected'))],
    [
      'where one call did both',
      beside(late, without(newer, 'operation_started', 'root_operation_id', late.operationId)),
    ],
    [
      'where the one that sent the older version had only read it',
      beside(without(late, 'sync', 'on_behalf_of', 'somebody'), newer),
    ],
    ['of one call alone', late],
  ])('%s', (_, whole) => {
    expect(verdicts(whole)).toEqual([])
  })
})
