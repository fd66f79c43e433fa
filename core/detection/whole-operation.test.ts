import { expect, test } from 'vitest'
import type { StoredEvent } from '../contract/index.ts'
import { partialWrite } from './detectors/partial-write.ts'
import type { OperationHistory } from './history.ts'
import { detectOperation } from './index.ts'
import { call, cleanWrite, finished, history, started, startedFor, sync } from './testing/history-builder.ts'

const verdicts = (whole: OperationHistory) =>
  detectOperation(whole, [partialWrite]).findings.map(({ verdict }) => verdict)
const committed = cleanWrite('name', 'a', 'b')
const rejected = sync('rejected', { name: 'b' })

test('what is sent after the end puts nothing in doubt', () => {
  expect(verdicts(history(startedFor('ats'), committed, rejected, finished(), rejected))).toEqual(['proven'])
})

test('a called operation that ends after its caller was still running at the end', () => {
  const whole = history(startedFor('ats'), committed, call(started()), finished())
  const late = { kind: 'operation_finished', id: 'late', seq: 99, monotonic_us: 99_000, outcome: 'ok' }
  const ends = whole.family.map((event) => ({ ...event, ...late }) as StoredEvent)
  expect(verdicts({ ...whole, family: [...whole.family, ...ends] })).toEqual(['indeterminate'])
})

test('nothing is said of an operation whose start is not known', () => {
  expect(verdicts(history(committed, rejected, finished()))).toEqual([])
})
