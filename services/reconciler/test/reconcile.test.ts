import { cursor, http } from '@syncproof/connectors'
import { findingId } from '@syncproof/core/contract'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { PROJECT, reporter } from './support/events.ts'
import { candidates, openWorld, type Transport, transports, type World } from './support/world.ts'

let world: World
afterEach(() => world.close())

async function begin(transport: Transport = 'PostgreSQL', count = 250): Promise<void> {
  world = await openWorld(transport, candidates(count))
}

/** One difference of each kind. */
async function diverge(): Promise<void> {
  const { ats, db } = world
  ats.records.delete('k00007')
  ats.records.set('zz-unknown', { id: 'zz-unknown', name: 'Nobody', status: 'active' })
  await db.query(`update candidates set name = 'Changed in the database' where id = 'k00120'`)
}

function idsOf(findings: readonly { kind: string; entity?: { id: string } | undefined }[]) {
  return findings.map(({ kind, entity }) => [kind, entity?.id]).sort()
}

const ALL_THREE = [
  ['field-mismatch', 'k00120'],
  ['missing-in-target', 'k00007'],
  ['unexpected-in-target', 'zz-unknown'],
]

for (const transport of transports()) {
  describe(`reconciliation with jobs on ${transport}`, () => {
    it('says clean, with its coverage, where both systems hold the same', async () => {
      await begin(transport)
      await world.start()
      const report = await world.reconcile()
      expect(report).toMatchObject({
        result: 'clean',
        problem: null,
        self_test: 'passed',
        diverged: 0,
        baseline: true,
      })
      expect(report.coverage).toMatchObject({
        source_records: 250,
        target_records: 250,
        compared: 250,
        indeterminate: 0,
        unread: 0,
      })
      expect(report.coverage?.requests).toBeGreaterThan(3)
    })

    it('names exactly the records that differ, and ends the findings when they are repaired', async () => {
      await begin(transport)
      await world.start()
      await world.reconcile()
      await diverge()
      const report = await world.reconcile()
      expect(report).toMatchObject({ result: 'diverged', diverged: 3, baseline: false })
      expect(report.coverage).toMatchObject({ compared: 251, indeterminate: 0 })
      expect(idsOf(await world.findings({ status: 'open' }))).toEqual(ALL_THREE)
      // told once they are committed, which the report does not wait for
      await vi.waitFor(() => expect(idsOf(world.heard)).toEqual(ALL_THREE), { timeout: 20_000 })

      world.ats.records.delete('zz-unknown')
      for (const record of candidates(250)) world.ats.records.set(record.id, record)
      await world.db.query(`update candidates set name = 'Name 120' where id = 'k00120'`)
      expect(await world.reconcile()).toMatchObject({ result: 'clean' })
      expect(await world.findings({ status: 'open' })).toEqual([])
      const ended = await world.findings({ status: 'resolved' })
      expect(idsOf(ended)).toEqual(ALL_THREE)
      expect(ended[0]?.resolution?.why).toContain('agree')
    })
  })
}

describe('a reconciliation', () => {
  it('shows both reads of a divergence, its fields and the operation that wrote the record last', async () => {
    await begin()
    await world.start()
    await diverge()
    const app = reporter()
    const { operationId, events } = app.sync({ type: 'candidate', id: 'k00120' }, 'ok')
    await app.append(world.store, events)
    await world.reconcile()
    const [finding] = await world.findings({ kind: 'field-mismatch' })
    expect(finding).toMatchObject({
      id: findingId('field-mismatch', 'candidate\nk00120'),
      verdict: 'observed',
      fields: ['name'],
      entity: { type: 'candidate', id: 'k00120' },
      cause: {
        operation_id: operationId,
        operation: 'syncCandidate',
        service: 'candidate-api',
        release: 'r1',
      },
      details: { pair: 'candidate', source: 'postgres candidates', baseline: true },
    })
    expect(finding?.witness.observations).toMatchObject([
      { system: 'postgres candidates', found: true },
      { found: true },
    ])
    expect(finding?.witness.events.map(({ kind }) => kind)).toEqual(['write', 'sync'])
    expect(JSON.stringify(finding)).not.toContain('Changed in the database')
  })

  it('reads only the keys that were asked for, and ends only their findings', async () => {
    await begin()
    await world.start()
    await diverge()
    await world.reconcile()
    for (const record of candidates(250)) world.ats.records.set(record.id, record)
    const listings = world.ats.listings
    const report = await world.reconcile(['k00007', 'k00008', 'never-existed'])
    expect(report).toMatchObject({
      result: 'clean',
      keys: ['k00007', 'k00008', 'never-existed'],
      baseline: false,
    })
    expect(report.coverage).toMatchObject({ compared: 3, source_records: 2, target_records: 2 })
    expect(world.ats.listings).toBe(listings)
    expect(idsOf(await world.findings({ status: 'open' }))).toEqual([ALL_THREE[0], ALL_THREE[2]])
  })

  it('never takes a listing that broke off for deletions: the report is unknown and ends nothing', async () => {
    await begin()
    await world.start()
    await diverge()
    await world.reconcile()
    world.ats.truncated = true
    world.ats.records.set('k00007', { id: 'k00007', name: 'Name 7', status: 'hired' })
    const report = await world.reconcile()
    expect(report).toMatchObject({ result: 'unknown', diverged: 0, self_test: 'passed' })
    expect(report.problem?.code).toMatch(/not_json|truncated|page_failed/)
    expect(report.coverage).toMatchObject({ unread: null })
    expect(idsOf(await world.findings({ status: 'open' }))).toEqual(ALL_THREE)
  })

  it('says unknown, with the mend, where a side cannot be reached', async () => {
    await begin()
    await world.start()
    await world.ats.close()
    const report = await world.reconcile()
    expect(report).toMatchObject({ result: 'unknown', diverged: 0, baseline: false })
    expect(report.problem?.code).toBe('source_unreachable')
    expect(report.problem?.detail).not.toBe('')
  })

  it('calls a record that it could not read by key indeterminate, with the reason, and is not clean', async () => {
    await begin()
    await world.start(world.pair({ grace: '50ms' }))
    world.ats.records.set('k00003', { id: 'k00003', name: 'Other', status: 'hired' })
    world.ats.failingKey = 'k00003'
    const report = await world.reconcile()
    expect(report).toMatchObject({ result: 'unknown', diverged: 0 })
    expect(report.problem?.code).toBe('page_failed')
    expect(report.coverage).toMatchObject({ compared: 249, indeterminate: 1 })
    const { items } = await world.store.reports.divergences(PROJECT, report.id, { limit: 10 })
    expect(items).toMatchObject([{ key: 'k00003', verdict: 'indeterminate', finding_id: null }])
    expect(items[0]?.reason).toContain('page_failed')
    expect(await world.findings()).toEqual([])
  })

  it('does not report a write that is on its way and arrives within the grace', async () => {
    await begin()
    await world.start(world.pair({ grace: '1s' }))
    await world.db.query(`update candidates set name = 'New' where id = 'k00005'`)
    const requested = world.reconcile()
    await vi.waitFor(() => expect(world.ats.listings).toBe(1), { timeout: 10_000 })
    await new Promise((resolve) => setTimeout(resolve, 300))
    world.ats.records.set('k00005', { id: 'k00005', name: 'New', status: 'hired' })
    expect(await requested).toMatchObject({ result: 'clean', diverged: 0 })
  })

  it('does not report a record that is being written all the time, however long the target lags', async () => {
    await begin()
    await world.start(world.pair({ grace: '100ms' }))
    let n = 0
    world.ats.beforeGet = async (key) => {
      // the source is ahead of the target at every read, and never still for the grace period
      await world.db.query('update candidates set name = $2 where id = $1', [key, `Version ${n++}`])
    }
    await world.db.query(`update candidates set name = 'Version' where id = 'k00005'`)
    const report = await world.reconcile()
    expect(report).toMatchObject({ result: 'unknown', diverged: 0 })
    expect(report.problem?.code).toBe('indeterminate_records')
    expect(report.coverage).toMatchObject({ indeterminate: 1, compared: 249 })
    expect(await world.findings()).toEqual([])
  })

  it('starts the grace again for a record that was written just before it is read again', async () => {
    await begin()
    await world.start(world.pair({ grace: '1500ms' }))
    world.ats.records.delete('k00005')
    const requested = world.reconcile()
    await vi.waitFor(() => expect(world.ats.listings).toBe(1), { timeout: 10_000 })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    // nobody reports this write; its sync is still on its way when the first grace is over
    await world.db.query(`update candidates set name = 'New' where id = 'k00005'`)
    await vi.waitFor(() => expect(world.ats.asked).toContain('k00005'), { timeout: 10_000 })
    world.ats.records.set('k00005', { id: 'k00005', name: 'New', status: 'hired' })
    expect(await requested).toMatchObject({ result: 'clean', diverged: 0 })
  })

  it('claims nothing as missing from a target that cannot be asked for one record', async () => {
    await begin()
    const { url } = world.ats
    const target = http({ url: `${url}/candidates`, records: '$.data', key: 'id', next: cursor('$.next') })
    await world.start(world.pair({ target }))
    world.ats.records.delete('k00005')
    const report = await world.reconcile()
    expect(report).toMatchObject({ result: 'unknown', diverged: 0 })
    expect(report.coverage).toMatchObject({ indeterminate: 1 })
    const { items } = await world.store.reports.divergences(PROJECT, report.id, { limit: 10 })
    expect(items).toMatchObject([{ kind: 'missing-in-target', verdict: 'indeterminate' }])
    expect(items[0]?.reason).toContain('cannot be asked for one record')
  })

  it('gives up soon where a system goes down between listing and recheck', async () => {
    await begin()
    await world.start(world.pair({ grace: '2s' }))
    for (const { id } of candidates(250)) world.ats.records.delete(id)
    const report = await world.store.reports.request(PROJECT, 'candidate', 'request', null)
    await vi.waitFor(() => expect(world.ats.listings).toBe(1), { timeout: 10_000 })
    await new Promise((resolve) => setTimeout(resolve, 500))
    await world.ats.close()
    const ended = await world.finished(report?.id ?? '')
    expect(ended).toMatchObject({ result: 'unknown', diverged: 0, problem: { code: 'source_unreachable' } })
    expect(ended.coverage).toMatchObject({ indeterminate: 250, compared: 0 })
  })

  it('waits for an operation that is open before it claims a divergence', async () => {
    await begin()
    await world.start(world.pair({ grace: '50ms' }))
    await world.db.query(`update candidates set name = 'On its way' where id = 'k00005'`)
    const app = reporter()
    await app.append(world.store, app.open({ type: 'candidate', id: 'k00005' }).events)
    const report = await world.reconcile(['k00005'])
    expect(report).toMatchObject({ result: 'unknown', diverged: 0 })
    const { items } = await world.store.reports.divergences(PROJECT, report.id, { limit: 10 })
    expect(items).toMatchObject([{ key: 'k00005', verdict: 'indeterminate', fields: ['name'] }])
    expect(items[0]?.reason).toContain('open')
  })

  it('runs a pair when it is due, and not before', async () => {
    await begin('PostgreSQL', 5)
    await world.start(world.pair({ every: '3s' }))
    const reports = async () =>
      (await world.store.reports.list(PROJECT, { pair: 'candidate' }, { limit: 10 })).items
    await vi.waitFor(
      async () => expect((await reports()).map(({ state }) => state)).toEqual(['finished', 'finished']),
      {
        timeout: 20_000,
      },
    )
    const [second, first] = await reports()
    expect(second?.trigger).toBe('schedule')
    const between = Date.parse(second?.requested_at ?? '') - Date.parse(first?.requested_at ?? '')
    expect(between).toBeGreaterThanOrEqual(3_000)
  })

  it('says that a report of a pair which is not configured any more cannot be run', async () => {
    await begin('PostgreSQL', 5)
    const row = {
      name: 'gone',
      entity_type: 'x',
      source: 's',
      target: 't',
      every_ms: null,
      grace_ms: 0,
      owner: null,
    }
    await world.store.reports.declarePairs(PROJECT, [row])
    const report = await world.store.reports.request(PROJECT, 'gone', 'request', null)
    await world.start()
    const ended = await world.finished(report?.id ?? '')
    expect(ended).toMatchObject({ result: 'unknown', problem: { code: 'pair_not_configured' } })
  })
})
