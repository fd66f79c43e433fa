import type { SectionRow } from '@syncproof/store'
import { describe, expect, it } from 'vitest'
import { inOrder, sectionLines, sectionsExit } from './section-view.ts'
import { displayWidth } from './text.ts'

const none = { foreign_version: 0, overlap: 0, holds_nothing: 0, undecided: 0 }

function section(change: Partial<SectionRow> = {}): SectionRow {
  const { held = 2, not_held = 0, unknown = 0 } = change
  return {
    ...{ name: 'hire', service: 'candidate-api', release: 'r1', protections: ['row_lock'] },
    ...{ entered: held + not_held + unknown, held, not_held, unknown, void: none, events_missing: 0 },
    ...{ first_seen_at: '2026-11-20T12:00:00.000000Z', last_seen_at: '2026-11-20T12:30:00.000000Z' },
    ...change,
  }
}

describe('the exit code of sections', () => {
  const exits = (...changes: Partial<SectionRow>[]) => sectionsExit(changes.map(section), false)

  it('is 0 only where every run was checked and held', () => {
    expect(exits({}, { name: 'other' })).toBe(0)
    expect(exits({ unknown: 1 })).toBe(4)
    expect(exits({}, { held: 0, unknown: 3 })).toBe(4)
    expect(exits({ void: { ...none, undecided: 1 } })).toBe(4)
    expect(exits({ events_missing: 1 })).toBe(4)
    expect(sectionsExit([section()], true)).toBe(4)
  })

  it('is 1 where any did not hold, by its check or by a finding', () => {
    expect(exits({}, { not_held: 1, unknown: 5 })).toBe(1)
    for (const way of ['foreign_version', 'overlap', 'holds_nothing'])
      expect(exits({ void: { ...none, [way]: 1 } })).toBe(1)
  })

  it('is 3 where nothing was checked, or nothing is known', () => {
    expect(exits()).toBe(3)
    expect(exits({ held: 0, unknown: 3, protections: ['external'] })).toBe(3)
    // known by a finding alone
    expect(exits({ held: 0, void: { ...none, undecided: 1 } })).toBe(3)
  })
})

it('shows releases of a section together, the newest first', () => {
  const rows = [
    section({ name: 'b', release: 'r2' }),
    section({ release: 'r2' }),
    section({ name: 'b', release: 'r1' }),
    section({ service: 'worker' }),
    section(),
  ]
  expect(inOrder(rows).map(({ name, service, release }) => `${name} ${service} ${release}`)).toEqual([
    'b candidate-api r2',
    'b candidate-api r1',
    'hire candidate-api r2',
    'hire candidate-api r1',
    'hire worker r1',
  ])
})

it('shows a section within the width of the terminal, with data escaped', () => {
  const plain = (_style: string, text: string) => text
  const row = section({
    ...{ name: 'h\u001b[1m', held: 1_200, not_held: 3, unknown: 1, protections: ['external', 'row_lock'] },
    void: { ...none, holds_nothing: 1, undecided: 2 },
    events_missing: 12,
  })
  const lines = sectionLines(row, plain, 44)
  expect(lines).toEqual([
    'h\\u{1b}[1m  candidate-api r1  did not hold',
    '  external, row_lock',
    '  1,204 runs  1,200 held  3 held nothing',
    '  1 not checked',
    '  of this release 12 events missing',
    '  lock-void findings:  1 holds-nothing',
    '  2 undecided',
    '  first seen 2026-11-20 12:00:00Z',
    '  last 2026-11-20 12:30:00Z',
  ])
  expect(lines.every((line) => displayWidth(line) <= 44)).toBe(true)
})
