import type { ProcessRow } from '@syncproof/store'
import { describe, expect, it } from 'vitest'
import { minuteLines, processesExit, processLines } from './process-view.ts'
import { displayWidth } from './text.ts'

function process(change: Partial<ProcessRow> = {}): ProcessRow {
  return {
    ...{
      id: '919108f7-52d1-4320-9bac-f847db4148a8',
      service: 'candidate-api',
      release: '1.2.0',
      host: 'web-1',
    },
    ...{ first_seen_at: '2026-11-20T12:00:00.000000Z', last_seen_at: '2026-11-20T12:30:00.000000Z' },
    ...{
      ended: false,
      produced: 1_313,
      stored: 1_300,
      dropped: { sampled: 10 },
      in_flight: 3,
      unaccounted: 0,
    },
    inconsistent: 0,
    ...change,
  }
}
const plain = (_style: string, text: string) => text
const spans = { produced: null, in_flight: null, unaccounted: null }

describe('the exit code of processes', () => {
  const exits = (...changes: Partial<ProcessRow>[]) => processesExit(changes.map(process), false)

  it('is 0 only where nothing is missing of any', () => {
    expect(exits({}, { ended: true })).toBe(0)
    expect(exits({}, { unaccounted: 1 })).toBe(4)
    expect(exits({}, { inconsistent: 1 })).toBe(4)
    expect(exits({}, spans)).toBe(4)
    expect(processesExit([process()], true)).toBe(4)
  })

  it('is 3 where nothing reports', () => {
    expect(exits()).toBe(3)
  })
})

it('shows what was produced, and what became of it', () => {
  expect(processLines(process(), plain, Number.POSITIVE_INFINITY)).toEqual([
    'candidate-api 1.2.0  web-1  nothing missing so far',
    '  1,313 produced  1,300 stored  10 dropped: sampled  3 in flight  0 unaccounted',
    '  919108f7-52d1-4320-9bac-f847db4148a8  first seen 2026-11-20 12:00:00Z  last 2026-11-20 12:30:00Z',
  ])
  const [settled] = processLines(process({ in_flight: 0 }), plain, Number.POSITIVE_INFINITY)
  expect(settled).toBe('candidate-api 1.2.0  web-1  all accounted for')
  const lines = processLines(process({ unaccounted: 4, inconsistent: 2, ended: true }), plain, 200).join('\n')
  expect(lines).toMatch(/events are missing {2}ended[\s\S]*4 unaccounted {2}2 inconsistent/)
})

it('says of a process that is made of spans what is known of it, and no more', () => {
  const lines = processLines(process({ ...spans, release: null, host: null, dropped: {} }), plain, 200)
  expect(lines.slice(0, 2)).toEqual(['candidate-api  made of spans: counts nothing', '  1,300 stored'])
})

it('shows a minute on a line', () => {
  const minute = { minute: '2026-11-20T12:03:00.000000Z', produced: 10, stored: 7 }
  expect(
    minuteLines({ ...minute, dropped: { queue_full: 1 }, in_flight: 0, unaccounted: 2 }, plain, 200),
  ).toEqual([
    '2026-11-20 12:03:00Z  10 produced  7 stored  1 dropped: queue_full  0 in flight  2 unaccounted',
  ])
})

it('fits a narrow terminal, and prints nothing that a terminal would obey', () => {
  const hostile = process({ service: 'a\u001b[31m', host: 'h\nx', dropped: { 'r\u0007': 1 } })
  for (const line of processLines(hostile, plain, 40)) {
    expect(displayWidth(line)).toBeLessThanOrEqual(40)
    expect(line).not.toMatch(/\p{Cc}/u)
  }
})
