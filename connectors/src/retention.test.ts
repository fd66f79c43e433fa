import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { http, postgres, type RetentionConfig, resolveRetention, validateConfig } from './index.ts'

const DAY_MS = 86_400_000
const pairs = {
  candidate: {
    source: postgres({ url: 'postgres://localhost/app', table: 'candidates', key: 'id' }),
    target: http({ url: 'https://ats.example/candidates', key: 'externalRef' }),
  },
}

function check(retention: unknown): string {
  try {
    validateConfig({ pairs, retention }, 'syncproof.config.ts')
    return 'accepted'
  } catch (error) {
    return String(error)
  }
}

describe('how long things are kept', () => {
  it('is what docs/retention.md says', () => {
    const page = readFileSync(new URL('../../docs/retention.md', import.meta.url), 'utf8')
    const rows = [...page.matchAll(/^\| `([a-z.]+)` \| (\d+)d \|/gm)].map(([, name, days]) => [
      name,
      Number(days) * DAY_MS,
    ])
    const { events, findingsMs, operationsMs, processesMs, reportsMs, sectionsMs, hazardsMs } =
      resolveRetention()
    expect(Object.fromEntries(rows)).toEqual({
      ...{ events: events.keepMs, operations: operationsMs, processes: processesMs, reports: reportsMs },
      ...{ 'findings.open': findingsMs.open, 'findings.resolved': findingsMs.resolved },
      ...{ sections: sectionsMs, hazards: hazardsMs },
    })
  })

  it('has defaults', () => {
    expect(check(undefined)).toBe('accepted')
    expect(resolveRetention()).toEqual({
      events: { keepMs: 30 * DAY_MS, byKind: {} },
      operationsMs: 90 * DAY_MS,
      processesMs: 90 * DAY_MS,
      findingsMs: { open: 400 * DAY_MS, resolved: 400 * DAY_MS },
      reportsMs: 90 * DAY_MS,
      sectionsMs: 400 * DAY_MS,
      hazardsMs: 90 * DAY_MS,
    })
  })

  it('is said by what it is about; what is left out has its default', () => {
    const retention: RetentionConfig = {
      events: { default: '400d', read: '7d' },
      findings: { resolved: '36h' },
      reports: 'forever',
    }
    expect(check(retention)).toBe('accepted')
    expect(resolveRetention(retention)).toMatchObject({
      events: { keepMs: 400 * DAY_MS, byKind: { read: 7 * DAY_MS } },
      // what belongs to events outlives them
      operationsMs: 402 * DAY_MS,
      processesMs: 402 * DAY_MS,
      findingsMs: { open: 400 * DAY_MS, resolved: 1.5 * DAY_MS },
      reportsMs: null,
    })
    expect(resolveRetention({ events: '7d', operations: 'forever' }).processesMs).toBeNull()
  })

  it.each<[string, unknown, string]>([
    ['no object', '30d', 'retention: must be an object, not text.'],
    ['what is not known', { finding: '1d' }, 'retention.finding: is not a setting. Did you mean `findings`?'],
    ['a number', { events: 30 }, "retention.events: must be a duration such as '30d', not a number."],
    [
      'no duration',
      { findings: '1y' },
      "retention.findings: must be a duration such as '30d' or 'forever', not '1y'.",
    ],
    ['events for ever', { events: 'forever' }, "retention.events: cannot be 'forever'"],
    ['too long', { events: '4000d' }, 'retention.events: must be at most 3650d.'],
    ['too short', { events: { read: '2h' } }, 'retention.events.read: must be at least 1d.'],
    [
      'a kind that is none',
      { events: { reads: '2d' } },
      'retention.events.reads: is not a setting. Did you mean `read`?',
    ],
    [
      'a kind that outlives all',
      { events: { read: '31d' } },
      'retention.events.read: must not be longer than all events are kept, 30d.',
    ],
    [
      'operations as short as events',
      { events: '90d', operations: '90d' },
      'retention.operations: must be at least 92d',
    ],
    ['processes shorter than operations', { processes: '40d' }, 'retention.processes: must be at least 90d'],
    [
      'processes shorter than for ever',
      { operations: 'forever', processes: '90d' },
      'retention.processes: must be at least forever',
    ],
    ['a status that is none', { findings: { closed: '1d' } }, 'retention.findings.closed: is not a setting.'],
  ])('is refused where it is %s, and says what to write', (_, retention, message) => {
    expect(check(retention)).toContain(message)
  })
})
