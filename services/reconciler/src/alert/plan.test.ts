import type { AlertSink, AlertState } from '@syncproof/core/contract'
import type { AlertingGroup } from '@syncproof/store'
import { describe, expect, it } from 'vitest'
import { alertPlan } from './plan.ts'

const sink = (more: Partial<AlertSink> = {}): AlertSink => ({
  name: 'slack',
  kind: 'slack',
  place: 'https://hooks.example',
  only: {},
  states: ['firing', 'acknowledged', 'resolved'],
  send: async () => ({ isTaken: true, answer: '200' }),
  ...more,
})

const group = (more: Partial<AlertingGroup> = {}): AlertingGroup => ({
  id: 'g_1',
  kind: 'field-mismatch',
  operation: 'syncCandidate',
  entity_type: 'candidate',
  pair: 'candidate',
  owners: ['team-hiring'],
  severity: 'high',
  status: 'open',
  muted: false,
  findings: 2,
  opened_at: '2026-11-20T10:00:00.000000Z',
  resolution: null,
  is_firing: true,
  is_acknowledged: false,
  maintenance: null,
  told: {},
  ...more,
})

const told = (state: AlertState) =>
  // whoever has heard of the end has heard of nothing that goes on
  state === 'resolved' ? {} : { slack: { state, severity: 'high' as const, owner: null } }
const next = (of: AlertingGroup, to: AlertSink = sink()) =>
  alertPlan('default', [to], new Map([['billCandidate', 'team-billing']]))
    .next(of)
    .map(({ state }) => state)

const firing = group()
const seen = group({ is_firing: false, is_acknowledged: true })
const waiting = group({ is_firing: false })
const over = group({ is_firing: false, status: 'resolved' })
const muted = group({ muted: true })
const held = group({ maintenance: 'import' })

describe('what a sink is to hear', () => {
  it.each<readonly [string, AlertingGroup, AlertState | undefined, readonly AlertState[]]>([
    ['that it fires, once', firing, undefined, ['firing']],
    ['nothing while it goes on', firing, 'firing', []],
    ['that it fires again after its end', firing, 'resolved', ['firing']],
    ['that another one is open after all were acknowledged', firing, 'acknowledged', ['firing']],
    ['that it was acknowledged', seen, 'firing', ['acknowledged']],
    ['nothing of what was acknowledged before it was told', seen, undefined, []],
    ['nothing while nobody can say that it is over', waiting, 'firing', []],
    ['that it is over', over, 'firing', ['resolved']],
    ['that it is over where it was acknowledged', over, 'acknowledged', ['resolved']],
    ['nothing of the end of what it has not heard of', over, undefined, []],
    ['nothing twice', over, 'resolved', []],
    ['that what is muted is over', muted, 'firing', ['resolved']],
    ['nothing of what is muted', muted, undefined, []],
    ['nothing new in a maintenance window', held, undefined, []],
    ['nothing more of what was acknowledged in a maintenance window', held, 'acknowledged', []],
    ['an end in a maintenance window', { ...over, maintenance: 'import' }, 'firing', ['resolved']],
  ])('is %s', (_, now, last, expected) => {
    expect(next({ ...now, told: last === undefined ? {} : told(last) })).toEqual(expected)
  })

  it('is no state that it does not know', () => {
    const without = sink({ states: ['firing', 'resolved'] })
    expect(next({ ...seen, told: told('firing') }, without)).toEqual([])
    expect(next({ ...over, told: told('firing') }, without)).toEqual(['resolved'])
  })
})

describe('a route', () => {
  it.each([
    ['owners', { owners: ['team-hiring'] }, { owners: ['other'] }],
    ['severities', { severities: ['critical', 'high'] }, { severities: ['low'] }],
    ['kinds', { kinds: ['field-mismatch'] }, { kinds: ['lost-update'] }],
    ['pairs', { pairs: ['candidate'] }, { pairs: ['job'] }],
  ] as const)('by %s leads where it says', (_, fits, other) => {
    expect(next(firing, sink({ only: fits }))).toEqual(['firing'])
    expect(next(firing, sink({ only: other }))).toEqual([])
    expect(next(firing, sink({ only: { ...fits, ...other } }))).toEqual([])
  })

  it('by owner asks for that of the function before those of its pairs', () => {
    const billing = group({ operation: 'billCandidate' })
    expect(next(billing, sink({ only: { owners: ['team-billing'] } }))).toEqual(['firing'])
    expect(next(billing, sink({ only: { owners: ['team-hiring'] } }))).toEqual([])
    expect(next(group({ owners: [] }), sink({ only: { owners: ['team-hiring'] } }))).toEqual([])
  })

  it('that leads elsewhere by now is told of the end of what it was told of', () => {
    const elsewhere = sink({ only: { owners: ['other'] } })
    expect(next({ ...over, told: told('firing') }, elsewhere)).toEqual(['resolved'])
  })
})
