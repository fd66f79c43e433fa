import { describe, expect, test } from 'vitest'
import type { StoredEvent } from '../contract/index.ts'
import { eventsOf, type StoredOf } from './events.ts'
import { history, token, write } from './testing/history-builder.ts'
import { hidesVersion, mayHide, unseenVersions, windowOf } from './unseen-version.ts'

const row = history(write({ email: ['a', 'b', 'c', 'supplied'] }))
const own = {
  ...(eventsOf(row.events, 'write')[0] as StoredOf<'write'>),
  ...{ base_version: token('741'), known_versions: [token('741')] },
  ...{ overwritten_version: token('742'), version: token('743') },
}
const { id: _id, kind: _kind, seq: _seq, ...base } = own
const started = { ...base, id: 's', seq: 0, kind: 'operation_started' } as unknown as StoredEvent
const ended = { ...base, id: 'e', seq: 9, kind: 'operation_finished' } as unknown as StoredEvent
const whole = { process: row.process, events: [started, own, ended] }
const exact = { clock: { offset_ms: [-2, 3] as const } }
const sentMs = Date.parse(own.at)

describe('a version whose maker can be looked for', () => {
  test('is one that the write replaced unseen', () => {
    expect(unseenVersions(whole)).toEqual([{ version: token('742'), eventId: own.id }])
  })

  test.each(['xmin/catalogue-app-5/1/c-17/742', 'column/7-5/1/c-17/742', 'xmin/7-5/1/c-17/2'])(
    'is not %s, which others may call by another name',
    (version) => {
      const [scope] = [version.slice(0, version.lastIndexOf('/'))]
      const replaced = {
        ...own,
        overwritten_version: version,
        base_version: `${scope}/9`,
        known_versions: [],
      }
      expect(unseenVersions({ events: [replaced] })).toEqual([])
    },
  )
})

describe('an event that may hide a version', () => {
  const changed = (more: object) => ({ ...own, ...more }) as StoredEvent

  test.each([
    ['a write that does not name what it made', changed({ version: undefined })],
    ['a write of which nobody knows whether it was applied', changed({ outcome: 'unknown' })],
    ['a write of a transaction that nobody knows', changed({ transaction: undefined })],
    ['a write of more rows than are told', changed({ rows_over_limit: 900 })],
    ['a write that names it in another way', changed({ version: 'column/7-5/1/c-17/742' })],
    ['the end of a call that had a write under way', { ...ended, in_flight: 1 } as StoredEvent],
    ['an event of a later release', changed({ kind: 'bulk_write' })],
  ])('is %s', (_, event) => expect(hidesVersion(event)).toBe(true))

  test.each([
    ['a write that names what it made', own],
    ['a write that was refused', changed({ version: undefined, outcome: 'rejected' })],
    ['a deletion', changed({ version: undefined, action: 'delete' })],
    ['a statement that found no row', changed({ version: undefined, rows_over_limit: 0 })],
    ['the end of a call', ended],
  ])('is not %s', (_, event) => expect(hidesVersion(event)).toBe(false))

  test('hides none of another record of the same type, unless it is of many rows or one is named by its hash', () => {
    const other = changed({ entity: { type: own.entity.type, id: 'c-18' } })
    const window = { untilMs: sentMs + 10 }
    expect(mayHide(own, exact, own, window)).toBe(true)
    expect(mayHide(other, exact, own, window)).toBe(false)
    expect(mayHide(changed({ ...other, rows_over_limit: 9 }), exact, own, window)).toBe(true)
    expect(mayHide(changed({ entity: { type: 'applicant', id: '9' } }), exact, own, window)).toBe(true)
  })

  test('hides none that was replaced before the event was surely sent', () => {
    expect(mayHide(own, exact, own, { untilMs: sentMs - 3 })).toBe(false)
    expect(mayHide(own, exact, own, { untilMs: sentMs - 1 })).toBe(true)
    // a clock of which nothing is known may be a minute ahead
    expect(mayHide(own, {}, own, { untilMs: sentMs - 59_000 })).toBe(true)
  })
})

describe('the time in which a version came up', () => {
  test('is from the beginning of the root until the answer to the write, as far out as the clock allows', () => {
    const process = { ...whole.process, ...exact }
    expect(windowOf({ events: whole.events, process }, own, sentMs - 500)).toEqual({
      sinceMs: sentMs - 500 - 2,
      untilMs: sentMs + (own.duration_us ?? 0) / 1000 + 3,
    })
  })

  test('is not known of an operation whose start is not', () => {
    expect(windowOf({ ...whole, events: [own] }, own, 0)).toBeUndefined()
  })
})
