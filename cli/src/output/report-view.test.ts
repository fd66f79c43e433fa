import type { Coverage, Report } from '@syncproof/store'
import { describe, expect, it } from 'vitest'
import { reportExit, reportLines } from './report-view.ts'
import { displayWidth } from './text.ts'

const whole: Coverage = {
  source_records: 10,
  target_records: 10,
  compared: 10,
  indeterminate: 0,
  unread: 0,
  requests: 3,
}

function report(change: Partial<Report>): Report {
  return {
    id: 'r1',
    pair: 'candidate',
    state: 'finished',
    result: 'clean',
    problem: null,
    trigger: 'request',
    keys: null,
    baseline: false,
    rules: null,
    self_test: 'passed',
    coverage: whole,
    diverged: 0,
    maintenance: null,
    progress: null,
    requested_at: '2026-11-20T12:00:00.000Z',
    started_at: '2026-11-20T12:00:00.000Z',
    finished_at: '2026-11-20T12:00:01.500Z',
    ...change,
  }
}

describe('the exit code of a report', () => {
  const exits = (change: Partial<Report>) => reportExit(report(change))

  it('is 0 only where everything was compared and agrees', () => {
    expect(exits({})).toBe(0)
    expect(exits({ coverage: { ...whole, indeterminate: 1 } })).toBe(4)
    expect(exits({ coverage: { ...whole, unread: 1 } })).toBe(4)
    expect(exits({ coverage: { ...whole, unread: null } })).toBe(4)
    expect(exits({ self_test: 'failed' })).toBe(3)
    expect(exits({ coverage: null })).toBe(3)
  })

  it('is 1 where records differ, also where others are undecided', () => {
    expect(exits({ result: 'diverged' })).toBe(1)
    expect(exits({ result: 'diverged', coverage: { ...whole, indeterminate: 2 } })).toBe(1)
  })

  it('is never 0 for unknown: 4 where something was compared, else 3', () => {
    const unknown = { result: 'unknown' } as const
    expect(exits(unknown)).toBe(3)
    expect(exits({ ...unknown, coverage: { ...whole, unread: null } })).toBe(4)
    expect(exits({ ...unknown, coverage: { ...whole, compared: 0, unread: null } })).toBe(3)
    expect(exits({ ...unknown, coverage: null })).toBe(3)
  })

  it('is 3 before it is finished', () => {
    expect(exits({ state: 'running', result: null, coverage: null })).toBe(3)
  })
})

it('shows a report within the width of the terminal, with data escaped', () => {
  const plain = (_style: string, text: string) => text
  const divergence = {
    key: 'k\u001b[1m',
    kind: 'field-mismatch',
    verdict: 'observed',
    fields: ['name', 'email', 'score'],
    reason: null,
    finding_id: 'f_1',
    source_observed_at: null,
    target_observed_at: null,
  } as const
  const lines = reportLines(report({ result: 'diverged', diverged: 3 }), [divergence], 2, plain, 40)
  expect(lines).toEqual([
    'candidate  diverged  3 records differ',
    '  10 compared  0 undecided  0 unread',
    '  3 requests  1.5 s  r1',
    '  k\\u{1b}[1m  field-mismatch',
    '    name, email, score  f_1',
    '  … and 2 more',
  ])
  expect(lines.every((line) => displayWidth(line) <= 40)).toBe(true)
})
