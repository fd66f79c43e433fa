import { expect, test } from 'vitest'
import { formatToken, type StoredEvent } from '../contract/index.ts'
import { contradictionsWithin, madeTwice, madeVersion } from './contradictions.ts'
import { eventsOf, type StoredOf } from './events.ts'
import { finished, history, started, sync, write } from './testing/history-builder.ts'

const version = formatToken({ kind: 'xmin', database: '7-5', table: '16385', key: 'c-17', value: '744' })

function writeOf(more: Partial<StoredOf<'write'>>): StoredEvent {
  const [event] = eventsOf(history(started(), write({}, { version, transaction: 'none' })).events, 'write')
  if (!event) throw new Error('the history holds a write')
  return { ...event, ...more }
}
const other = (more: Partial<StoredOf<'write'>> = {}) => writeOf({ operation_id: 'another', ...more })

test('an operation that begins and ends once contradicts nothing', () => {
  expect(contradictionsWithin(history(started(), sync('ok'), finished()).events)).toEqual([])
  expect(contradictionsWithin(history(started(), sync('ok')).events)).toEqual([])
  expect(contradictionsWithin(history(finished()).events)).toEqual([])
})

test.each([
  ['starts twice', [started(), started(), finished()], [[0, 1]]],
  ['ends twice', [started(), finished(), finished()], [[1, 2]]],
  ['ends before it starts', [finished(), started()], [[1, 0]]],
])('an operation that %s contradicts itself', (_, steps, expected) => {
  const { events } = history(...steps)
  expect(contradictionsWithin(events)).toEqual(
    expected.map((places) => places.map((place) => events[place]?.id)),
  )
})

test('an end at an earlier time than the start of the same clock contradicts it', () => {
  const events = history(started(), finished()).events.map((event) =>
    event.kind === 'operation_finished' ? { ...event, monotonic_us: -1 } : event,
  )
  expect(contradictionsWithin(events)).toHaveLength(1)
})

test('two transactions cannot make one version, and one of them can say so twice', () => {
  expect(madeTwice(writeOf({}), other())).toBe(true)
  expect(madeTwice(writeOf({ transaction: 't1' }), other())).toBe(true)
  expect(madeTwice(writeOf({ transaction: 't1' }), other({ transaction: 't2' }))).toBe(true)
  expect(madeTwice(writeOf({ transaction: 't1' }), other({ transaction: 't1' }))).toBe(false)
  expect(madeTwice(writeOf({}), writeOf({}))).toBe(false)
})

test('what may not have been committed, or came from nobody knows where, made no version', () => {
  for (const more of [{ outcome: 'unknown' }, { outcome: 'rejected' }, { transaction: undefined }] as const) {
    expect(madeTwice(writeOf({}), other(more))).toBe(false)
    expect(madeVersion(other(more))).toBeUndefined()
  }
  expect(madeVersion(writeOf({}))).toContain(version)
})

test('a version that an app counts up by itself may be made twice', () => {
  const counted = formatToken({
    kind: 'column',
    database: 'db',
    table: 'candidates',
    key: 'c-17',
    value: '7',
  })
  expect(madeVersion(writeOf({ version: counted }))).toBeUndefined()
})
