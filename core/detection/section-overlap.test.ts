import { describe, expect, test } from 'vitest'
import { lockVoid } from './detectors/lock-void.ts'
import type { OperationHistory } from './history.ts'
import { detectOperation } from './index.ts'
import {
  beside,
  cleanWrite,
  finished,
  operation,
  section,
  started,
  token,
  without,
} from './testing/history-builder.ts'

type Rest = Parameters<typeof section>[1]

const verdicts = (whole: OperationHistory) =>
  detectOperation(whole, [lockVoid]).findings.map(({ verdict, details }) => `${verdict} ${details.how}`)

function holding(number: number, rest: Rest) {
  return operation(
    { operation: number, fromMs: 8 + number * 4 },
    started({ name: 'rescore' }),
    ...section(9, { transaction: `tx-${number}`, ...rest }),
    finished(),
  )
}

/** By its database. */
type Version = readonly [database: string, version: string]

/** In the section, it made these versions of the record. */
function changing(number: number, versions: readonly Version[], rest: object = {}) {
  const transaction = `tx-${number}`
  return operation(
    { operation: number, fromMs: 8 + number * 4 },
    started({ name: 'rescore' }),
    ...section(9, { transaction }),
    ...versions.map(([database, version]) =>
      cleanWrite('phone', '0', version, {
        version: token(version).replace('7%2Fapp', database.replace('/', '%2F')),
        overwritten_version: undefined,
        ...rest,
      }),
    ),
    finished(),
  )
}

describe('two calls in a section at once are proven', () => {
  test.each<[string, Rest, Rest]>([
    ['with an advisory lock', { protection: 'advisory_lock' }, { protection: 'advisory_lock' }],
    ['with a lock outside of the database', { protection: 'external' }, { protection: 'external' }],
    [
      'with a lock outside of the database, whatever transaction they were in',
      { protection: 'external', transaction: undefined },
      { protection: 'external', transaction: undefined },
    ],
    [
      'with a lock outside of the database, outside of any transaction',
      { protection: 'external', transaction: 'none' },
      { protection: 'external', transaction: 'none' },
    ],
  ])('%s', (_, mine, theirs) => {
    expect(verdicts(beside(holding(0, mine), holding(1, theirs)))).toEqual(['proven overlap'])
  })

  test.each<[string, readonly Version[], readonly Version[]]>([
    ['where only one tells a version of the record', [['7/app', '2']], []],
    ['where only the other one does', [], [['7/app', '2']]],
    ['where both changed the row', [['7/app', '2']], [['7/app', '3']]],
    [
      'where both changed the row, and one another database too',
      [['7/app', '2']],
      [
        ['8/app', '9'],
        ['7/app', '3'],
      ],
    ],
  ])('%s', (_, mine, theirs) => {
    expect(verdicts(beside(changing(0, mine), changing(1, theirs)))).toEqual(['proven overlap'])
  })

  test('where one changed a record of the same database, and another of a different one', () => {
    const elsewhere = changing(1, [['7/app', '3']], { entity: { type: 'candidate', id: 'c-18' } })
    expect(verdicts(beside(changing(0, [['8/app', '2']]), elsewhere))).toEqual(['proven overlap'])
  })

  test('but not where two databases have the record', () => {
    const whole = beside(changing(0, [['7/app', '2']]), changing(1, [['8/app', '2']]))
    expect(verdicts(whole)).toEqual([])
  })

  test('on one clock that is never set, though the wall clock was', () => {
    const torn = without(holding(1, {}), 'section_left', 'at', '2026-11-20T12:00:05.000Z')
    expect(verdicts(beside(holding(0, {}), torn))).toEqual(['proven overlap'])
  })
})

describe('nothing is claimed of two ends that are of two sections', () => {
  test.each<[string, unknown]>([
    ['name', 'merge'],
    ['protection', 'advisory_lock'],
    ['transaction', 'tx-9'],
    ['entity', { type: 'candidate', id: 'c-18' }],
  ])('by their %s', (field, value) => {
    const mixed = without(holding(1, {}), 'section_left', field, value)
    expect(verdicts(beside(holding(0, {}), mixed))).toEqual([])
  })
})

test('nothing is claimed of one lock outside of the database that one transaction took twice', () => {
  const same: Rest = { protection: 'external', transaction: 'tx-0' }
  expect(verdicts(beside(holding(0, same), holding(1, same)))).toEqual([])
})
