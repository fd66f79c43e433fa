import { resolveRetention } from '@syncproof/connectors'
import type {
  ActivityHealth,
  PartitionHealth,
  ProcessHealth,
  RetentionFigure,
  ServerHealth,
} from '@syncproof/store'
import { describe, expect, it } from 'vitest'
import { checkLines } from '../output/check-view.ts'
import { displayWidth } from '../output/text.ts'
import { type Check, looking, span } from './check.ts'
import { partitionChecks, policyCheck, retentionChecks } from './retention-checks.ts'
import { activityChecks, bytesText, clockCheck, durabilityChecks, serverChecks } from './server-checks.ts'
import { clockChecks, keyCheck, lagCheck, processChecks } from './telemetry-checks.ts'
import { said } from './testing/said.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const server: ServerHealth = {
  version: '15.18',
  version_num: 150_018,
  user: 'owner',
  nowMs: 0,
  isStandby: false,
  settings: { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', autovacuum: 'on' },
  databaseBytes: 3 * 2 ** 20,
  connection: { tls: null, from: null },
}
const activity: ActivityHealth = {
  connections: 12,
  connectionsMax: 100,
  oldestTransactionMs: 5_000,
  oldestPreparedMs: 0,
  idleSlots: [{ name: 'young', bytes: 1_000 }],
  invalidIndexes: [],
}
const days = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) =>
    new Date(Date.UTC(2026, 10, 26) + (first + n) * DAY_MS).toISOString().slice(0, 10),
  )
const partitions: PartitionHealth = {
  days: days(-1, 7),
  today: '2026-11-26',
  strangers: [],
  detached: [],
  eventsBytes: 2_000,
}
const process: ProcessHealth = {
  ...{ project: 'default', id: 'p', service: 'candidate-api', host: 'h1', silentMs: 4_000, ended: false },
  ...{ unaccounted: 0, dropped: {}, inconsistent: 0, offsetMs: [-3, 5] },
}

describe('the doctor', () => {
  it('says what the server is, and what its settings would lose', () => {
    expect(said(serverChecks(server, 'db'))).toEqual(['pass: PostgreSQL 15.18, as owner, 3.0 MB.'])
    expect(said(durabilityChecks(server, false))).toEqual(['pass: synchronous_commit is on, fsync is on.'])
    const off = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', autovacuum: 'off' }
    const worst = { ...server, version_num: 140_001, isStandby: true, settings: off }
    const bad = said([...serverChecks(worst, 'db'), ...durabilityChecks(worst, false)])
    // an embedded one has no settings to mend
    expect(said(durabilityChecks(worst, true))).toEqual([
      expect.stringMatching(/^pass: .*not a loss of power/),
    ])
    expect(bad.map((line) => line.split(':')[0])).toEqual([
      ...['fail', 'fail', 'fail', 'warn', 'warn', 'warn'],
    ])
  })

  it('warns of what others do in the server', () => {
    expect(said(activityChecks(activity))).toEqual([
      'pass: 12 of 100 connections taken, the oldest open transaction is 5 seconds old.',
    ])
    expect(
      said(
        activityChecks({
          ...{
            connections: 90,
            connectionsMax: 100,
            oldestTransactionMs: 3 * HOUR_MS,
            oldestPreparedMs: 2 * DAY_MS,
          },
          ...{ idleSlots: [{ name: 'gone', bytes: 3 * 2 ** 30 }], invalidIndexes: ['syncproof.i'] },
        }),
      ),
    ).toEqual([
      'warn: 90 of 100 connections are taken.',
      expect.stringContaining('warn: A transaction has been open for 3 hours'),
      expect.stringContaining('warn: A prepared transaction has been waiting for 2 days'),
      expect.stringContaining('fail: Nobody reads the replication slot gone, which keeps 3.0 GB of log'),
      'fail: The index syncproof.i is not valid.',
    ])
  })

  it('warns before a partition is missing', () => {
    expect(said(partitionChecks(partitions))).toEqual(['pass: 9 days, 2.0 kB; made until 2026-12-03.'])
    expect(said(partitionChecks({ ...partitions, days: days(-1, 3) }))).toHaveLength(1)
    expect(said(partitionChecks({ ...partitions, days: days(-1, 3) }))[0]).toMatch(/^pass/)
    expect(said(partitionChecks({ ...partitions, days: days(-1, 2) }))).toEqual([
      'warn: Events of 2026-11-29 have no partition yet.',
    ])
    const gap = days(-1, 7).filter((day) => day !== '2026-11-27')
    expect(said(partitionChecks({ ...partitions, days: gap }))).toEqual([
      'warn: Events of 2026-11-27 have no partition yet.',
    ])
    expect(said(partitionChecks({ ...partitions, days: days(-3, -1) }))[0]).toMatch(
      /^fail: Events of today, 2026-11-26,/,
    )
    expect(
      said(partitionChecks({ ...partitions, strangers: ['events_default'], detached: ['events_20261001'] })),
    ).toEqual([
      expect.stringContaining('fail: events_default is a partition that is not of a day'),
      expect.stringContaining('warn: events_20261001: taken away'),
    ])
  })

  it('warns where nothing expires', () => {
    const nowMs = Date.UTC(2026, 10, 26, 12)
    const policy = resolveRetention()
    const at = (agoMs: number | undefined): RetentionFigure[] => [
      {
        ...{ subject: 'events', keep_ms: 1, gone_before: null, expired: 0 },
        worked_at: agoMs === undefined ? null : new Date(nowMs - agoMs).toISOString(),
      },
    ]
    const check = (figures: RetentionFigure[], known = partitions) =>
      said(retentionChecks(figures, policy, known, nowMs))
    expect(check(at(30 * 60_000))).toEqual(['pass: It last ran 30 minutes ago; events are kept for 30 days.'])
    expect(check(at(undefined))).toEqual(['warn: It has never run through: nothing expires.'])
    expect(check([...at(undefined), ...at(0)])).toHaveLength(1)
    expect(check(at(4 * HOUR_MS))).toEqual(['warn: It last ran 4 hours ago.'])
    expect(check(at(3 * DAY_MS))).toEqual(['fail: It last ran 3 days ago.'])
    expect(check(at(0), { ...partitions, days: days(-33, 7) })[0]).toMatch(/^pass/)
    expect(check(at(0), { ...partitions, days: days(-35, 7) })).toEqual([
      expect.stringContaining('warn: Events of 2026-10-22 are still there'),
    ])
    expect(said([policyCheck(policy, resolveRetention())])[0]).toMatch(/^pass/)
    expect(said([policyCheck(policy, resolveRetention({ events: '31d' }))])[0]).toMatch(/^warn/)
  })

  it('tells what apps did not report', () => {
    expect(said(processChecks([process]))).toEqual([
      'pass: 1 process of candidate-api on h1 reporting now, nothing missing in the last day.',
    ])
    expect(said(processChecks([]))).toEqual(['warn: No app has reported in the last day.'])
    // on their way
    expect(said(processChecks([{ ...process, unaccounted: 40 }]))[0]).toMatch(/^pass/)
    expect(
      said(
        processChecks([
          { ...process, unaccounted: 40, silentMs: HOUR_MS },
          { ...process, dropped: { queue_full: 3, sampled: 1_000 }, inconsistent: 1 },
        ]),
      ),
    ).toEqual([
      'warn: 40 events of the last day never came: candidate-api on h1.',
      'warn: Apps dropped events in the last day: queue_full 3.',
      expect.stringContaining('warn: Telemetry contradicts itself: candidate-api on h1.'),
    ])
  })

  it('tells whose clock is off, and by how much at least', () => {
    expect(said([clockCheck('database', [1_050, 1_050], 1_000, 1_100)])).toEqual([
      'pass: The clocks of the database and of this machine agree, as far as 100 ms tell.',
    ])
    expect(said([clockCheck('database', [5_000, 5_000], 1_000, 1_100)])).toEqual([
      "warn: The database's clock is 4 seconds ahead of this machine's.",
    ])
    expect(said([clockCheck('database', [1_000, 1_000], 61_000, 61_100)])).toEqual([
      "fail: The database's clock is 60 seconds behind this machine's.",
    ])
    expect(said(clockChecks([process, { ...process, offsetMs: null }]))).toHaveLength(1)
    expect(
      said(
        clockChecks([
          { ...process, offsetMs: [20_000, 20_100] },
          { ...process, service: 'other', offsetMs: [-HOUR_MS, -HOUR_MS + 5] },
        ]),
      ),
    ).toEqual([
      'fail: Events will be refused: other on h1 60 minutes ahead.',
      "warn: Not the collector's time: candidate-api on h1 20 seconds behind.",
    ])
  })

  it('tells whether a key is there, and what is not judged', () => {
    expect(said([keyCheck(true), keyCheck(false)]).map((line) => line.split(':')[0])).toEqual([
      'pass',
      'fail',
    ])
    const lag = (events: number, oldestAgeMs: number) =>
      said([lagCheck({ events, oldestAgeMs })])[0]?.split(':')[0]
    expect([lag(0, 0), lag(5, 900), lag(5, 120_000), lag(5, 2 * HOUR_MS)]).toEqual([
      'pass',
      'pass',
      'warn',
      'fail',
    ])
  })

  it('says where it could not look, and why', async () => {
    const refused = Object.assign(new Error('permission denied'), { code: '42501' })
    const checks = await looking('keys', () => Promise.reject(refused))
    expect(checks).toMatchObject([{ state: 'warn', unable: true, what: 'This login may not look at it.' }])
    expect(await looking('keys', () => Promise.reject(new Error('boom')))).toMatchObject([
      { state: 'fail', unable: true },
    ])
  })

  it('fits its lines to the terminal, and never obeys what it shows', () => {
    const check: Check = {
      ...{
        name: 'partitions',
        state: 'warn',
        what: 'Events of\u001b[2J 2026-11-29 have no partition yet.',
      },
      mend: 'Keep a `syncproof reconciler` running; `syncproof migrate` makes a week of them at once.',
    }
    for (const columns of [40, 100]) {
      const lines = checkLines(check, (_, text) => text, columns)
      expect(lines.every((line) => displayWidth(line) <= columns)).toBe(true)
      expect(lines.join(' ')).toContain('\\u{1b}[2J')
    }
    expect(checkLines(check, (_, text) => text, Number.POSITIVE_INFINITY)).toHaveLength(2)
    expect([span(1_000), span(119_000), span(120_000), bytesText(0), bytesText(5 * 2 ** 40)]).toEqual([
      ...['1 second', '119 seconds', '2 minutes', '0 bytes', '5.0 TB'],
    ])
  })
})
