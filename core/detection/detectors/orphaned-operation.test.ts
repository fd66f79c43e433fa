import { describe, expect, test } from 'vitest'
import { examples } from '../testing/examples.ts'
import { cleanWrite, finished, history, read, started, sync } from '../testing/history-builder.ts'
import { orphanedOperation } from './orphaned-operation.ts'

const processEnd = examples['orphaned-operation']?.processEnd
if (!processEnd) throw new Error('the example has an end')

describe('an orphaned operation', () => {
  test('is proven where its process ended, and nothing of the process is missing', () => {
    const whole = { ...history(started(), cleanWrite('email', 'a', 'b')), processEnd }
    expect(orphanedOperation.detect(whole)).toMatchObject([
      {
        verdict: 'proven',
        severity: 'high',
        summary: 'syncCandidate began with candidate c-17 and did not end before its process did',
      },
    ])
  })

  test.each([
    ['only read', read('1', {})],
    ['was refused', sync('rejected')],
  ])('that %s has left nothing half done', (_, step) => {
    const [found] = orphanedOperation.detect({ ...history(started(), step), processEnd })
    expect(found).toMatchObject({ verdict: 'proven', severity: 'low' })
  })

  test('is indeterminate while an event of the process is missing: it may be the end', () => {
    const torn = { ...history(started()), processEnd: { ...processEnd, whole: false } }
    expect(orphanedOperation.detect(torn)).toMatchObject([
      { verdict: 'indeterminate', reason: expect.any(String) },
    ])
  })

  test.each([
    ['while nothing is known of the end of its process', history(started())],
    ['where it has ended', { ...history(started(), finished()), processEnd }],
    ['where its start is not known', { ...history(cleanWrite('email', 'a', 'b')), processEnd }],
  ])('is not claimed %s', (_, whole) => {
    expect(orphanedOperation.detect(whole)).toEqual([])
  })
})
