import { expect, it, vi } from 'vitest'
import { eachEngine } from '../../tools/testing/stores.ts'
import type { Divergence, PairRow, ReportStore } from '../src/index.ts'
import { finding } from './make-events.ts'
import { rawEngines } from './raw-store.ts'
import { sharedStore } from './shared-store.ts'

const pair: PairRow = {
  name: 'candidate',
  entity_type: 'candidate',
  source: 'postgres',
  target: 'http',
  every_ms: 900_000,
  grace_ms: 120_000,
  owner: 'team-hiring',
}

const mismatch: Divergence = {
  key: '42',
  kind: 'field-mismatch',
  verdict: 'observed',
  fields: ['email'],
  reason: null,
  finding_id: null,
  source_observed_at: '2026-11-20T12:00:00.000001Z',
  target_observed_at: null,
}

const outcome: Parameters<ReportStore['finish']>[3] = {
  result: 'diverged',
  problem: null,
  coverage: { source_records: 2, target_records: 2, compared: 2, indeterminate: 0, unread: 0, requests: 1 },
  self_test: 'passed',
  rules: null,
  divergences: [{ ...mismatch, key: 'b' }, mismatch, { ...mismatch, key: 'B', verdict: 'indeterminate' }],
  findings: [finding('field-mismatch', { verdict: 'observed' })],
  resolved: [],
}

const ABANDONED_MS = 60_000

eachEngine('reports', (open) => {
  const given = sharedStore(open)

  it('asking twice queues one run; asking for a pair that is not configured queues none', async () => {
    const { store, project } = given()
    expect(await store.reports.request(project, 'candidate', 'request', null)).toBeUndefined()
    await store.reports.declarePairs(project, [pair])
    const asked = await Promise.all(
      [
        ['2', '1'],
        ['1', '2', '2'],
        ['1', '2'],
      ].map((keys) => store.reports.request(project, 'candidate', 'request', keys)),
    )
    expect(new Set(asked.map((report) => report?.id)).size).toBe(1)
    expect((await store.reports.request(project, 'candidate', 'request', null))?.id).not.toBe(asked[0]?.id)
    const pending = await store.reports.pending(ABANDONED_MS)
    expect(pending.filter((report) => report.projectId === project)).toHaveLength(2)
    await store.reports.declarePairs(project, [])
    expect(await store.reports.pairs(project)).toEqual([])
  })

  it('of many who ask at once whether a pair is due one queues its run, and only when it is', async () => {
    const { store, project } = given()
    const { requestDue } = store.reports
    const askAtOnce = async () =>
      (await Promise.all(Array.from({ length: 8 }, () => requestDue(project, 'timed')))).filter(
        (report) => report !== undefined,
      )
    expect(await askAtOnce()).toEqual([])
    await store.reports.declarePairs(project, [
      { ...pair, name: 'timed' },
      { ...pair, name: 'untimed', every_ms: null },
    ])
    expect(await store.reports.schedules(project)).toEqual([{ pair: 'timed', everyMs: 900_000 }])
    expect(await requestDue(project, 'untimed')).toBeUndefined()
    const [first, ...more] = await askAtOnce()
    expect(first).toMatchObject({ pair: 'timed', trigger: 'schedule', state: 'queued', keys: null })
    expect(more).toEqual([])
    const claim = await store.reports.claim(project, first?.id ?? '', ABANDONED_MS)
    expect(await askAtOnce()).toEqual([])
    await store.reports.finish(project, first?.id ?? '', claim?.fence ?? 0, { ...outcome, findings: [] })
    expect(await askAtOnce()).toEqual([])
    await store.reports.declarePairs(project, [{ ...pair, name: 'timed', every_ms: 1 }])
    expect(await askAtOnce()).toHaveLength(1)
  })

  it('of many workers one gets the run, and one that was given up can no longer publish', async () => {
    const { store, project } = given()
    await store.reports.declarePairs(project, [pair])
    const { id = '' } = (await store.reports.request(project, 'candidate', 'schedule', null)) ?? {}
    const claims = await Promise.all([1, 2, 3].map(() => store.reports.claim(project, id, ABANDONED_MS)))
    const [slow] = claims.filter((claim) => claim !== undefined)
    expect(claims.filter((claim) => claim !== undefined)).toHaveLength(1)
    expect(await store.reports.heartbeat(project, id, slow?.fence ?? 0)).toBe(true)
    const next = await store.reports.claim(project, id, -1)
    expect(next?.report).toMatchObject({ id, state: 'running' })
    expect(await store.reports.heartbeat(project, id, slow?.fence ?? 0)).toBe(false)
    expect(await store.reports.finish(project, id, slow?.fence ?? 0, outcome)).toBe(false)
    expect((await store.findings.list(project, {}, { limit: 1 })).items).toEqual([])
    expect(await store.reports.finish(project, id, next?.fence ?? 0, outcome)).toBe(true)
    expect(await store.reports.finish(project, id, next?.fence ?? 0, outcome)).toBe(false)
    expect(await store.reports.claim(project, id, -1)).toBeUndefined()
  })

  it('keeps the keys that were asked for, or what a worker names in their place', async () => {
    const { store, project } = given()
    await store.reports.declarePairs(project, [{ ...pair, name: 'other' }])
    const run = async (keys: readonly string[], named?: readonly string[]) => {
      const { id = '' } = (await store.reports.request(project, 'other', 'request', keys)) ?? {}
      const claim = await store.reports.claim(project, id, ABANDONED_MS)
      expect(claim?.report.keys).toEqual(keys)
      await store.reports.finish(project, id, claim?.fence ?? 0, { ...outcome, keys: named })
      return store.reports.get(project, id)
    }
    expect(await run(['1', '2'])).toMatchObject({ keys: ['1', '2'] })
    expect(await run(['1', '2'], ['#1', '#2'])).toMatchObject({ keys: ['#1', '#2'], baseline: false })
  })

  it('publishes result, divergences and findings; the first whole run that can tell is the baseline', async () => {
    const { store, project } = given()
    await store.reports.declarePairs(project, [pair])
    const run = async (result: 'unknown' | 'diverged', keys: readonly string[] | null) => {
      const { id = '' } = (await store.reports.request(project, 'candidate', 'request', keys)) ?? {}
      const claim = await store.reports.claim(project, id, ABANDONED_MS)
      await store.reports.finish(project, id, claim?.fence ?? 0, { ...outcome, result })
      return store.reports.get(project, id)
    }
    expect(await run('diverged', ['42'])).toMatchObject({ baseline: false })
    expect(await run('unknown', null)).toMatchObject({ baseline: false })
    const baseline = await run('diverged', null)
    expect(baseline).toMatchObject({ baseline: true, diverged: 2, result: 'diverged', state: 'finished' })
    const last = await run('diverged', null)
    expect(last).toMatchObject({ baseline: false })
    const id = last?.id ?? ''
    const first = await store.reports.divergences(project, id, { limit: 2 })
    const rest = await store.reports.divergences(project, id, { limit: 2, cursor: first.next_cursor ?? '' })
    expect([...first.items, ...rest.items].map((item) => item.key)).toEqual(['42', 'B', 'b'])
    expect(first.items[0]).toEqual(mismatch)
    expect((await store.findings.list(project, {}, { limit: 5 })).items).toMatchObject([{ occurrences: 4 }])
    expect(await store.reports.pairs(project)).toMatchObject([
      { ...pair, last_report: { id }, last_success_at: last?.finished_at },
    ])
    const page = await store.reports.list(project, { pair: 'candidate' }, { limit: 3 })
    expect(page.items[0]?.id).toBe(id)
    expect(page.next_cursor).not.toBeNull()
  })
})

it('who asks whether a pair is due waits for who asks at the same time, and sees that its run has begun', async () => {
  const { store, pool, close } = await rawEngines.PostgreSQL()
  await store.reports.declarePairs('default', [pair])
  const other = await pool.connect()
  await other.query(`begin; select from syncproof.pairs for update`)
  const asking = store.reports.requestDue('default', 'candidate')
  await vi.waitFor(async () => {
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    expect((await other.query(waiting)).rowCount).toBe(1)
  })
  await other.query(`insert into syncproof.reports (project_id, pair, trigger, state)
    values ('default', 'candidate', 'schedule', 'running'); commit`)
  other.release()
  expect(await asking).toBeUndefined()
  await close()
})
