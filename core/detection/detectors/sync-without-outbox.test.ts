import { describe, expect, test } from 'vitest'
import {
  cleanWrite,
  finished,
  history,
  later,
  type Step,
  started,
  startedFor,
  sync,
} from '../testing/history-builder.ts'
import { syncWithoutOutbox } from './sync-without-outbox.ts'

const writing = cleanWrite('email', 'a', 'b')
const found = (...steps: readonly Step[]) =>
  syncWithoutOutbox.detect(history(startedFor('ats'), ...steps, finished()))

describe('a sync without an outbox', () => {
  test('is a hazard where a function commits and then calls the other system itself', () => {
    expect(found(writing, sync('ok'))).toMatchObject([
      { verdict: 'hazard', severity: 'low', details: { system: 'ats', window: { ms: 1 } } },
    ])
  })

  test('is a hazard also where the call failed', () => {
    expect(found(writing, sync('unknown'))).toHaveLength(1)
  })

  test.each<[string, readonly Step[]]>([
    ['the call comes first', [sync('ok'), writing]],
    ['the call was sent before the write was answered', [writing, later(-0.8, sync('ok'))]],
    [
      'nobody knows when the write was answered',
      [cleanWrite('email', 'a', 'b', { duration_us: undefined }), sync('ok')],
    ],
    ['nothing was committed', [cleanWrite('email', 'a', 'b', { outcome: 'rejected' }), sync('ok')]],
    [
      'another record was committed',
      [cleanWrite('email', 'a', 'b', { entity: { type: 'candidate', id: 'c-18' } }), sync('ok')],
    ],
    ['an outbox sends it', [writing, sync('ok', {}, { on_behalf_of: 'another operation' })]],
  ])('is not claimed where %s', (_, steps) => {
    expect(found(...steps)).toEqual([])
  })

  test('is not claimed where an outbox is declared', () => {
    const byOutbox = started({ syncs: [{ system: 'ats', async: true }] })
    expect(syncWithoutOutbox.detect(history(byOutbox, writing, sync('ok')))).toEqual([])
  })

  test('is not claimed while the function is not known', () => {
    expect(syncWithoutOutbox.detect(history(writing, sync('ok')))).toEqual([])
  })
})
