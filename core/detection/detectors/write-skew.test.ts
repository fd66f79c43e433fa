import { describe, expect, test } from 'vitest'
import type { OperationHistory } from '../history.ts'
import { offDuty, other } from '../testing/examples.ts'
import {
  beside,
  call,
  finished,
  incomplete,
  read,
  started,
  token,
  without,
} from '../testing/history-builder.ts'
import { writeSkew } from './write-skew.ts'

const doctor = { type: 'doctor', id: 'd-1' }
const mine = offDuty({ operation: 0 }, doctor, other)
const theirs = offDuty({ operation: 1, fromMs: 1 }, other, doctor)

describe('a write skew', () => {
  test('is proven where each read what the other one replaced, and the same from both sides', () => {
    const found = writeSkew.detect(beside(mine, theirs))
    expect(found).toMatchObject([
      { verdict: 'proven', entity: { id: 'd-2' }, details: { other_entity: { id: 'd-1' } } },
    ])
    expect(writeSkew.detect(beside(theirs, mine))).toEqual(found)
  })

  const sawTheOther = offDuty(
    { operation: 0 },
    doctor,
    other,
    read('2', {}, { entity: other, version: token('2', other.id), transaction: 'tx-d-1' }),
  )
  const sawAfterwards = (change: object) =>
    offDuty(
      { operation: 0 },
      doctor,
      other,
      read('2', {}, { entity: other, version: token('2', other.id), transaction: 'tx-d-1', ...change }),
    )
  const manyReads = Array.from({ length: 16 }, (_, n) =>
    read('1', {}, { entity: { type: 'doctor', id: `d-${n + 9}` }, transaction: 'tx-d-1' }),
  )
  const sawAfterMany = offDuty(
    { operation: 0 },
    doctor,
    other,
    ...manyReads,
    read('2', {}, { entity: other, version: token('2', other.id), transaction: 'tx-d-1' }),
  )
  const callsAnother = offDuty({ operation: 0 }, doctor, other, call(started(), finished()))
  const readLater = offDuty({ operation: 1, fromMs: -1 }, other, doctor)
  test.each<[string, OperationHistory, OperationHistory]>([
    ['one had read what the other one made', sawTheOther, theirs],
    ['one had read that after many others', sawAfterMany, theirs],
    ['one had read it again, and nothing says which version', sawAfterwards({ version: undefined }), theirs],
    [
      'one had read what it made in a transaction that nobody saw',
      sawAfterwards({ transaction: undefined }),
      theirs,
    ],
    ['one had read something newer still', sawAfterwards({ version: token('7', other.id) }), theirs],
    ['one called something that may have read it', callsAnother, theirs],
    ['the start of one is not known', { ...mine, events: mine.events.slice(1) }, theirs],
    ['events of one are missing', incomplete(mine), theirs],
    [
      'one was called by something that may have read it',
      without(mine, 'operation_started', 'parent_operation_id', 'p'),
      theirs,
    ],
    ['one was rolled back', without(mine, 'write', 'outcome', 'rejected'), theirs],
    ['they were one transaction', without(mine, 'write', 'transaction', 'tx-d-2'), theirs],
    [
      'they have one root',
      without(mine, 'operation_started', 'root_operation_id', theirs.operationId),
      theirs,
    ],
    ['one read a newer version', without(mine, 'read', 'version', token('9', other.id)), theirs],
    ['one ended while a call was unanswered', without(mine, 'operation_finished', 'in_flight', 1), theirs],
    ['one does not say what it made', without(mine, 'write', 'version'), theirs],
    [
      'one made the very version that it replaced, as a second write of its transaction does',
      without(mine, 'write', 'version', token('1', doctor.id)),
      theirs,
    ],
    [
      'the version that one replaced is no token',
      without(mine, 'write', 'overwritten_version', '1'),
      {
        ...theirs,
        events: theirs.events.map((event) =>
          event.kind === 'read' && event.entity.id === doctor.id ? { ...event, version: '1' } : event,
        ),
      },
    ],
    [
      'they wrote another row than was read',
      mine,
      without(readLater, 'write', 'entity', { type: 'doctor', id: 'd-3' }),
    ],
  ])('is not claimed where %s', (_, a, b) => {
    expect(writeSkew.detect(beside(a, b))).toEqual([])
    expect(writeSkew.detect(beside(b, a))).toEqual([])
  })

  test('is not claimed where one read only after its own write', () => {
    const [begun, ownRead, othersRead, ownWrite, end] = mine.events
    if (!begun || !ownRead || !othersRead || !ownWrite || !end) throw new Error('five events')
    const late = { ...othersRead, monotonic_us: ownWrite.monotonic_us + 1 }
    expect(
      writeSkew.detect(beside({ ...mine, events: [begun, ownRead, ownWrite, late, end] }, theirs)),
    ).toEqual([])
  })
})
