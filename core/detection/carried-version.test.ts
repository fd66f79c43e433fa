import { describe, expect, test } from 'vitest'
import { reorderedSync } from './detectors/reordered-sync.ts'
import type { OperationHistory } from './history.ts'
import { synced } from './testing/examples.ts'
import {
  beside,
  finished,
  operation,
  type Place,
  processReport,
  type Step,
  started,
  sync,
  token,
  write,
} from './testing/history-builder.ts'
import { withNeighbours } from './testing/neighbours.ts'

const verdicts = (whole: OperationHistory) => reorderedSync.detect(whole).map(({ verdict }) => verdict)
const other = { type: 'candidate', id: 'c-18' }
const change = (rest: Parameters<typeof write>[1] = {}) =>
  write(
    { email: ['0', '0', 'a', 'supplied'] },
    { overwritten_version: token('1'), version: token('2'), ...rest },
  )
/** Sends what it made at 20 ms, and does not say which version that is. */
const sent = (rest: Parameters<typeof sync>[2] = {}) =>
  sync('ok', { email: 'a' }, { monotonic_us: 20_000, ...rest })
const late = (...steps: readonly Step[]) =>
  operation({ operation: 0 }, started(), ...steps, finished({ monotonic_us: 30_000 }))
/** Made version 3 of it, and sent it from 4 ms to 9 ms. */
const newer = synced({ operation: 1, fromMs: 2 }, ['2', '3', 'b'])

const byOutbox = { syncs: [{ system: 'ats', async: true }] }

describe('a sync that names no version carries the only one that its operation made', () => {
  test.each<[string, readonly Step[]]>([
    ['of the record', [change(), sent()]],
    ['though a write of it was refused', [change({ outcome: 'rejected' }), change(), sent()]],
    [
      'though it wrote another record',
      [change({ entity: other, version: token('5', 'c-18') }), change(), sent()],
    ],
  ])('%s', (_, steps) => {
    expect(verdicts(beside(late(...steps), newer))).toEqual(['proven'])
  })

  test('whatever the clock of the process says that sent it', () => {
    const made = operation({ operation: 0, fromMs: 2_000 }, started(byOutbox), change(), finished())
    const revised = { external_ordered: true, on_behalf_of: made.operationId }
    const place: Place = { operation: 2, process: { ...processReport, id: 'elsewhere' } }
    const outbox = operation(place, started(), sent({ ...revised, external_version: '8' }), finished())
    const first = synced({ operation: 1, fromMs: 2 }, ['2', '3', 'b'], {
      external_ordered: true,
      external_version: '7',
    })
    expect(verdicts(beside(outbox, made, first))).toEqual(['proven'])
    // and links alone lead from each of the three to the others
    const linked = withNeighbours([outbox, made, first]).map(verdicts)
    expect(linked).toEqual([['proven'], ['proven'], ['proven']])
  })
})

describe('nothing is known of what it carries', () => {
  test.each<[string, readonly Step[]]>([
    [
      'where its operation made two versions',
      [change({ version: token('9'), overwritten_version: token('8') }), change(), sent()],
    ],
    [
      'where it wrote more rows than were reported',
      [change(), write({}, { rows_over_limit: 2, entity: other }), sent()],
    ],
    ['where it wrote to that system itself', [change({ system: 'ats' }), sent()]],
  ])('%s', (_, steps) => {
    expect(verdicts(beside(late(...steps), newer))).toEqual([])
    expect(verdicts(beside(late(...[...steps].reverse()), newer))).toEqual([])
  })

  test('where who sent it for another operation wrote the record too', () => {
    const made = operation({ operation: 0 }, started(), change(), finished())
    const outbox = operation(
      { operation: 2 },
      started(),
      change({ overwritten_version: token('3'), version: token('4') }),
      sent({ on_behalf_of: made.operationId }),
      finished({ monotonic_us: 30_000 }),
    )
    expect(verdicts(beside(outbox, made, newer))).toEqual([])
  })
})
