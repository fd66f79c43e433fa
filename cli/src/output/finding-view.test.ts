import type { Finding } from '@syncproof/core/contract'
import { expect, it } from 'vitest'
import { findingLines } from './finding-view.ts'

it('a finding says what is held against its evidence, which was judged before that was known', () => {
  const witness = {
    events: [
      { kind: 'write', id: 'w1', seq: 3, inconsistent: { contradicts: 'version', event_id: 'w0' } },
      { kind: 'operation_started', id: 's1', seq: 2, inconsistent_copies: { count: 1, differs: ['name'] } },
      { kind: 'read', id: 'r1', seq: 1 },
    ],
  }
  const finding = {
    ...{
      id: 'f_1',
      kind: 'lost-update',
      verdict: 'proven',
      severity: 'high',
      status: 'open',
      occurrences: 1,
    },
    ...{ fields: [], summary: 'An update was lost', cause: {}, occurred_at: '2026-11-20T12:00:00Z', witness },
  } as unknown as Finding
  const lines = findingLines(finding, (_, text) => text, 40)
  expect(lines).toEqual([
    'proven  lost-update  high',
    '  An update was lost',
    '  INCONSISTENT EVIDENCE, noticed after',
    '  it was judged: the write, event w1:',
    '  contradicts event w0: no two',
    '  transactions make one version',
    '  Of its evidence: the start, event s1:',
    '  1 INCONSISTENT COPY came with other',
    '  content (name) and proves nothing:',
    '  what came first stands',
    '  2026-11-20 12:00:00Z  f_1',
  ])
})
