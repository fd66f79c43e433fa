import type { Progress, Report } from '@syncproof/store'
import { expect, it } from 'vitest'
import { progressLine } from './progress-view.ts'

const progress: Progress = {
  source_records: 600_000,
  target_records: 400_000,
  estimated_records: 1_000_000,
  records_per_second: 250_000,
  seconds_left: 4,
  segments: 4,
  segments_done: 1,
}
const line = (more: Partial<Progress> | null, columns = 120, state: Report['state'] = 'running') =>
  progressLine({ state, progress: more && { ...progress, ...more } } as Report, columns)

it('a run says how far it is, how fast, and how long it will take', () => {
  expect(line({})).toBe(
    '[############------------] 50 %  1,000,000 records  250,000/s  0:04 left  segment 2 of 4',
  )
  expect(line({ estimated_records: null, seconds_left: null, segments: 1, segments_done: 0 })).toBe(
    'comparing  1,000,000 records  250,000/s',
  )
  expect(line({ seconds_left: 3_725 })).toContain('1:02:05 left')
})

it('a run never says that it is done before it is, and says what it does after reading', () => {
  expect(line({ source_records: 5_000_000 })).toContain('99 %')
  expect(line({ segments_done: 4 })).toBe('1,000,000 records read, reading again by key what differs')
  expect(line(null)).toBe('reading records by their keys')
  expect(line(null, 120, 'queued')).toBe('waiting for a reconciler')
})

it.each([20, 40, 60, 80])('the line fits into %i columns', (columns) => {
  for (const one of [line({}, columns), line({ segments_done: 4 }, columns), line(null, columns)]) {
    expect(one.length).toBeLessThanOrEqual(columns)
  }
})
