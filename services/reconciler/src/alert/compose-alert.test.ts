import type { Finding } from '@syncproof/core/contract'
import type { AlertingGroup } from '@syncproof/store'
import { describe, expect, it } from 'vitest'
import { composeAlert } from './compose-alert.ts'

const hostile = `<b>\u0000\u001b[2J\n<!channel>\u202e${'x'.repeat(1024 * 1024)}\ud800`

const group: AlertingGroup = {
  id: 'g_1',
  kind: 'lost-update',
  operation: hostile,
  entity_type: hostile,
  pair: null,
  owners: [],
  severity: 'high',
  status: 'open',
  muted: false,
  findings: 1,
  opened_at: '2026-11-20T10:00:00.000000Z',
  resolution: null,
  is_firing: true,
  is_acknowledged: false,
  maintenance: null,
  told: {},
}

const newest: Finding = {
  id: 'f_1',
  kind: 'lost-update',
  verdict: 'proven',
  severity: 'high',
  status: 'open',
  entity: { type: hostile, id: hostile },
  fields: Array(500).fill(hostile),
  summary: hostile,
  cause: { operation: hostile, service: hostile, release: hostile, trace_id: hostile },
  witness: { events: [] },
  occurred_at: '2026-11-20T10:00:00.000000Z',
  first_seen_at: '2026-11-20T10:00:00.000000Z',
  last_seen_at: '2026-11-20T10:00:00.000000Z',
  occurrences: 1,
  details: {},
}

const compose = (more: Partial<AlertingGroup> = {}, state: 'firing' | 'resolved' = 'firing') =>
  composeAlert({
    projectId: 'default',
    group: { ...group, ...more },
    sample: { open: 1, newest },
    next: { sink: 'slack', state },
    owner: 'team-now',
  })

describe('a message', () => {
  it('is small, and one line of what can be shown, whatever an app calls things', () => {
    const text = JSON.stringify(compose())
    expect(text.length).toBeLessThan(8_000)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
    expect(JSON.parse(text).summary).not.toMatch(/[\u0000-\u001f\u202e]/)
    expect(text).not.toContain('\\u')
    expect(compose().finding).not.toHaveProperty('traceId')
  })

  it('names no command that a shell would take apart', () => {
    expect(compose({ operation: '$(reboot)', entity_type: 'candidate' }).command).toBe(
      'syncproof findings --kind lost-update --entity-type candidate',
    )
    expect(compose({ operation: '--json', entity_type: null }).command).toBe(
      'syncproof findings --kind lost-update',
    )
  })

  it('keeps the severity and the owner that were told until it is over', () => {
    const told = { slack: { state: 'firing', severity: 'low', owner: 'team-then' } } as const
    expect(compose({ told }, 'resolved')).toMatchObject({ severity: 'low', owner: 'team-then' })
    expect(compose()).toMatchObject({
      severity: 'high',
      owner: 'team-now',
    })
  })

  it('says why it is over', () => {
    const resolution = { at: '2026-11-20T11:00:00.000000Z', why: 'None differs.' }
    expect(compose({ status: 'resolved', resolution }, 'resolved').summary).toBe('None differs.')
    expect(compose({ muted: true }, 'resolved').summary).toBe('The group was muted.')
  })
})
