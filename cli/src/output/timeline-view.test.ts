import type { OperationRow, ReportedEvent } from '@syncproof/store'
import { describe, expect, it } from 'vitest'
import { displayWidth } from './text.ts'
import { timelineLines } from './timeline-view.ts'

const entity = { type: 'candidate', id: 'c-17' }
const plain = (_style: string, text: string) => text
const styled = (style: string, text: string) => `<${style}>${text}</${style}>`

let ids = 0
function event(changes: Partial<Record<string, unknown>> = {}): ReportedEvent {
  ids += 1
  return {
    id: `0199c0de-0000-7000-8000-${String(ids).padStart(12, '0')}`,
    seq: ids,
    at: `2026-11-20T12:00:00.00000${ids % 10}Z`,
    monotonic_us: ids,
    process_id: 'p',
    operation_id: 'one',
    kind: 'read',
    system: 'db',
    entity,
    found: true,
    version: 'v',
    fields: {},
    ...changes,
  } as unknown as ReportedEvent
}

const operation = (id: string): OperationRow =>
  ({ operation_id: id, name: 'syncCandidate', service: 'api', release: null, outcome: 'ok' }) as OperationRow

const contradicts = (what: string, event_id: string | null) => ({
  inconsistent: { contradicts: what, event_id },
})

describe('the timeline of an entity', () => {
  it('says of an inconsistent event so first, and then which one it contradicts and how, at 40 columns too', () => {
    const first = event()
    const twin = event({ operation_id: 'two', seq: first.seq, ...contradicts('sequence', first.id) })
    const lines = timelineLines(entity, [first, twin], [operation('one'), operation('two')], plain, 40)
    expect(lines).toEqual([
      '2026-11-20',
      `${first.at.slice(11, 26)}  A   read db  v1`,
      `${twin.at.slice(11, 26)}  B `,
      '    INCONSISTENT, proves nothing',
      '    read db  v1',
      '    contradicts the read of A at',
      `    ${first.at.slice(11, 26)}: both have number ${first.seq}`,
      '    of their process',
      '',
      'Operations',
      '  A   syncCandidate in api  ok  one',
      '  B   syncCandidate in api  INCONSISTENT',
      '      two',
      '',
      'Versions',
      '  v1   v',
    ])
  })

  it('dims what an inconsistent event says, so that nothing in it looks as if it had happened', () => {
    const [line] = timelineLines(
      entity,
      [event({ kind: 'sync', action: 'update', outcome: 'ok', attempt: 1, ...contradicts('version', null) })],
      [],
      styled,
      Number.POSITIVE_INFINITY,
    ).slice(1)
    expect(line).toContain('<yellow>INCONSISTENT, proves nothing</yellow>  <dim>sync db</dim>')
    expect(line).not.toContain('<green>')
  })

  it('names an event that is not shown by its id, and one on another day with its day', () => {
    const early = event({ at: '2026-11-19T23:59:59.000000Z' })
    const text = timelineLines(
      entity,
      [
        early,
        event(contradicts('operation', early.id)),
        event(contradicts('version', '0199c0de-0000-7000-8000-00000000aaaa')),
        event(contradicts('sequence', null)),
      ],
      [],
      plain,
      Number.POSITIVE_INFINITY,
    ).join('\n')
    expect(text).toContain(
      'contradicts the read of A at 2026-11-19 23:59:59.000000: an operation starts once',
    )
    expect(text).toContain('contradicts event 0199c0de-0000-7000-8000-00000000aaaa: no two transactions')
    expect(text).toContain('contradicts an event that came before it: both have number')
  })

  it('says that an event came again otherwise, and believes the first', () => {
    const copied = event({ inconsistent_copies: { count: 2, differs: ['fields', 'evil\u001b[2J'] } })
    const lines = timelineLines(entity, [copied], [operation('one')], plain, 40)
    expect(lines.slice(1, 6)).toEqual([
      `${copied.at.slice(11, 26)}  A   read db  v1`,
      '    2 INCONSISTENT COPIES came with',
      '    other content (fields,',
      '    evil\\u{1b}[2J) and prove nothing:',
      '    what came first stands',
    ])
    expect(lines.filter((line) => displayWidth(line) > 40)).toEqual([])
    expect(lines).toContain('  A   syncCandidate in api  ok  one')
  })
})
