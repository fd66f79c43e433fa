import { describe, expect, test } from 'vitest'
import { finished, history, read, type Step, started, sync, write } from '../testing/history-builder.ts'
import { checkThenCreate } from './check-then-create.ts'

const miss = (rest: Parameters<typeof read>[2] = {}) =>
  read('1', {}, { found: false, version: undefined, ...rest })
const insert = (rest: Parameters<typeof write>[1] = {}) =>
  write(
    { email: [undefined, undefined, 'a', 'supplied'] },
    { action: 'create', overwritten_version: 'none', ...rest },
  )
const found = (...steps: readonly Step[]) => checkThenCreate.detect(history(started(), ...steps, finished()))

describe('check then create', () => {
  test('is a hazard where a row is inserted because none was found', () => {
    expect(found(miss(), insert())).toMatchObject([
      { verdict: 'hazard', details: { system: 'db', entity_type: 'candidate', window: { ms: 1 } } },
    ])
  })

  test('is a hazard where another system is asked first, and then told to create', () => {
    expect(found(miss({ system: 'ats' }), sync('ok', {}, { action: 'create' }))).toMatchObject([
      { details: { system: 'ats' } },
    ])
  })

  test.each<[string, readonly Step[]]>([
    ['something was found', [read('1', {}), insert()]],
    ['an upsert decides in the database', [miss(), insert({ action: 'upsert' })]],
    ['the transaction is serializable', [miss(), insert({ guard: 'serializable' })]],
    [
      'a section keeps others out',
      [miss(), insert({ section: { name: 'create', base_read_inside: false } })],
    ],
    ['the insert was refused', [miss(), insert({ outcome: 'rejected' })]],
    ['something else was looked for', [miss({ entity: { type: 'candidate', id: 'c-18' } }), insert()]],
    ['it was looked for afterwards', [insert(), miss()]],
    ['another system was asked', [miss({ system: 'ats' }), insert()]],
    [
      'the other system knows the request by a key',
      [miss({ system: 'ats' }), sync('ok', {}, { action: 'create', idempotency_key: 'k' })],
    ],
    [
      'the other system holds the key once',
      [miss({ system: 'ats' }), sync('ok', {}, { action: 'create', unique_key: 'key1.auto.a' })],
    ],
  ])('is not claimed where %s', (_, steps) => {
    expect(found(...steps)).toEqual([])
  })

  test('is not claimed while the function is not known', () => {
    expect(checkThenCreate.detect(history(miss(), insert()))).toEqual([])
  })
})
