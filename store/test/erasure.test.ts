import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type EntityRef, findingId, formatToken, type SyncproofEvent } from '@syncproof/core/contract'
import { detectionRules } from '@syncproof/core/detection'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { AlertPlan, Report, Store } from '../src/index.ts'
import { candidate, finding, newProcess, operation } from './make-events.ts'
import { type RawStore, rawEngines } from './raw-store.ts'

const PROJECT = 'default'
const ERASURE = fileURLToPath(new URL('./killed-erasure.ts', import.meta.url))
const options = { signal: new AbortController().signal, rules: detectionRules }

let raw: RawStore
afterEach(() => raw.close())

/** An id that is in the database only where something is known of the entity. */
const SECRET = 'zz-forget-me-zz'
const forgotten: EntityRef = { type: 'candidate', id: SECRET }

async function judgeAll(store: Store): Promise<void> {
  for (let lane = 0; lane < store.detection.lanes; lane += 1) {
    const judge = async () => ({ findings: [], resolved: [] })
    while ((await store.detection.step(lane, 500, judge, detectionRules)).events > 0);
  }
}

/** One message for each group, with what its newest finding says. */
const tellOfNewest: AlertPlan = {
  next: ({ told }) => (told.slack ? [] : [{ sink: 'slack', state: 'firing' }]),
  message: ({ id, kind, severity, opened_at }, { newest, open }, { state }) => ({
    ...{
      dedupKey: id,
      state,
      project: PROJECT,
      kind,
      severity,
      pair: null,
      operation: null,
      entityType: null,
    },
    ...{
      owner: null,
      title: kind,
      summary: newest?.summary ?? '',
      findings: 1,
      open,
      since: opened_at,
      at: opened_at,
    },
    ...{
      help: '',
      command: '',
      ...(newest && { finding: { id: newest.id, entity: newest.entity, fields: [] } }),
    },
  }),
}

/** Rows that hold the id, by table. */
async function traces(): Promise<Readonly<Record<string, number>>> {
  const { rows } = await raw.pool.query(`select relname as name from pg_class
    where relnamespace = 'syncproof'::regnamespace and relkind in ('r', 'p') and not relispartition`)
  const found: Record<string, number> = {}
  for (const { name } of rows) {
    const query = `select count(*)::int as count from syncproof.${name} as t where t::text like '%${SECRET}%'`
    const { count } = (await raw.pool.query(query)).rows[0]
    if (count > 0) found[name] = count
  }
  return found
}

async function rows(query: string) {
  return (await raw.pool.query(query)).rows
}

const version = (entity: EntityRef, value: string) =>
  formatToken({ kind: 'xmin', database: '7-5', table: '16385', key: entity.id, value })

/** As the SDK reports it: an operation on one entity that also writes another one. */
function onBoth(entity: EntityRef, other: EntityRef): readonly SyncproofEvent[] {
  const [started, write, sync, finished] = operation({ entity })
  const committed = { ...write, version: version(entity, '2'), overwritten_version: version(entity, '1') }
  const [, also] = operation({
    entity: other,
    operationId: 'operation_id' in started ? started.operation_id : '',
  })
  return [
    started,
    { ...committed, transaction: 'none' },
    { ...also, seq: 2, version: version(other, '2'), transaction: 'none' },
    { ...sync, seq: 3, version: version(entity, '2') },
    { ...finished, seq: 4 },
  ] as readonly SyncproofEvent[]
}

async function reportOn(store: Store, ids: readonly string[], finish: boolean): Promise<Report> {
  const report = await store.reports.request(PROJECT, 'candidate', 'request', [...ids, 'x'])
  if (!report) throw new Error('the pair is not configured')
  if (!finish) return report
  const claimed = await store.reports.claim(PROJECT, report.id, 1_000)
  const found = { kind: 'field-mismatch', verdict: 'observed', fields: [], reason: null } as const
  const at = { finding_id: null, source_observed_at: null, target_observed_at: null }
  await store.reports.finish(PROJECT, report.id, claimed?.fence ?? 0, {
    ...{ result: 'diverged', problem: null, self_test: null, rules: null, findings: [], resolved: [] },
    coverage: { source_records: 1, target_records: 1, compared: 1, indeterminate: 0, unread: 0, requests: 1 },
    divergences: ids.map((key) => ({ key, ...found, ...at })),
  })
  return report
}

describe.each(Object.entries(rawEngines))('erasing an entity, on %s', (_, open) => {
  it('leaves nothing that names it, and all that is about others', async () => {
    raw = await open()
    const { store, pool } = raw
    const process = newProcess()
    const events = onBoth(forgotten, candidate)
    await store.events.append(PROJECT, process, events)
    await judgeAll(store)
    // not judged yet, and with another content under an id that is there
    await store.events.append(PROJECT, process, operation({ entity: forgotten, firstSeq: 5 }))
    await store.events.append(PROJECT, process, [{ ...events[0], attempt: 2 } as SyncproofEvent])
    const stored = events.map((event) => ({ ...event, process_id: process.id }))
    const hazard = {
      verdict: 'hazard',
      entity: undefined,
      cause: { operation: 'f', operation_id: randomUUID() },
    } as const
    const findings = [
      finding('lost-update', { entity: forgotten, summary: `over ${SECRET}` }),
      // about another one, and shown by an event of this one
      finding('write-skew', { witness: { events: stored } }),
      finding('partial-write', { witness: { events: [stored[2] as (typeof stored)[0]] } }),
      finding('check-then-create', {
        ...hazard,
        witness: { events: stored },
        details: { function: 'f', entity_type: 'candidate', entity_id: SECRET, window: { from: '', ms: 1 } },
      }),
    ]
    await store.findings.record(PROJECT, findings)
    await store.findings.record('other', [finding('lost-update', { entity: forgotten })])
    await pool.query(
      `insert into syncproof.hazard_calls
      select 'default', $1, syncproof.entity_hash(type, id), 1, 1, 1
      from (values ('candidate', '${SECRET}'), ('candidate', '42')) as e(type, id)`,
      [findings[3]?.id],
    )
    const pair = { name: 'candidate', entity_type: 'candidate', source: 'a', target: 'b', every_ms: null }
    await store.reports.declarePairs(PROJECT, [{ ...pair, grace_ms: 0, owner: null }])
    const report = await reportOn(store, [SECRET, '42'], true)
    const running = await store.reports.request(PROJECT, 'candidate', 'request', null)
    const claimed = await store.reports.claim(PROJECT, running?.id ?? '', 1_000)
    await store.segments.plan(PROJECT, running?.id ?? '', claimed?.fence ?? 0, {
      ranges: [null],
      estimatedRecords: null,
    })
    const segment = await store.segments.claim(PROJECT, running?.id ?? '', 1_000)
    if (!segment) throw new Error('there is a segment')
    const records = [SECRET, '42'].map((key) => ({ key, fields: {} }))
    await store.segments.stage(segment, 'source', records, { rules: '', sides: {} })
    await reportOn(store, [SECRET], false)

    const preview = await store.erasure.preview(PROJECT, forgotten)
    const removed = {
      events: 8,
      operations: 2,
      findings: 2,
      findings_about_others: 1,
      hazards: 1,
      divergences: 1,
    }
    expect(preview).toEqual(removed)
    await store.alerts.raise(PROJECT, tellOfNewest)
    expect(Object.keys(await traces())).toHaveLength(7)
    expect(await store.erasure.erase(PROJECT, forgotten, options)).toEqual({
      done: true,
      removed,
      events_since: 0,
    })
    // of another project
    expect(await traces()).toEqual({ findings: 1 })
    // what was still to be told is told without it
    const { rows: told } = await pool.query('select message from syncproof.alert_deliveries order by number')
    const summaries = told.map(({ message }) => message.summary)
    expect(summaries.filter((summary) => summary.includes('has been erased'))).not.toEqual([])
    expect(told).toHaveLength(3)
    expect(await store.erasure.preview(PROJECT, forgotten)).toEqual({
      ...{ events: 0, operations: 0, findings: 0, findings_about_others: 0, hazards: 0, divergences: 0 },
    })

    const { items } = await store.events.timeline(PROJECT, candidate, { limit: 10 })
    expect(items).toEqual([stored[2]])
    expect(
      (await store.findings.list(PROJECT, {}, { limit: 10 })).items.map(({ kind }) => kind).sort(),
    ).toEqual(['check-then-create', 'partial-write'])
    expect(await store.findings.get(PROJECT, findings[3]?.id ?? '')).toMatchObject({
      witness: { events: [] },
      details: { function: 'f', entity_type: 'candidate' },
      cause: { operation: 'f' },
    })
    expect(await rows('select from syncproof.hazard_calls')).toHaveLength(1)
    const linked = await rows('select distinct event_id as id from syncproof.event_links')
    expect(linked).toEqual([{ id: stored[2]?.id }])
    expect(await store.reports.get(PROJECT, report.id)).toMatchObject({ keys: ['42', 'x'], diverged: 2 })
    expect(await store.reports.heartbeat(PROJECT, running?.id ?? '', claimed?.fence ?? 0)).toBe(false)
    expect(await rows(`select from syncproof.reports where state = 'queued'`)).toEqual([])
  })

  it('brings nothing back that is sent again, and takes in what is new', async () => {
    raw = await open()
    const { store } = raw
    const process = newProcess()
    const events = operation({ entity: forgotten })
    await store.events.append(PROJECT, process, events)
    await store.erasure.erase(PROJECT, forgotten, options)
    await judgeAll(store)
    for (const batch of [events, [...events, ...operation({ firstSeq: 4 })]])
      expect(await store.events.append(PROJECT, process, batch)).toMatchObject({ duplicates: 4 })
    expect(await traces()).toEqual({})
    expect((await store.processes.list(PROJECT, { limit: 1 })).items).toMatchObject([
      { stored: 8, unaccounted: 0, inconsistent: 0 },
    ])
    const late = operation({ entity: forgotten, firstSeq: 8 })
    expect(await store.events.append(PROJECT, process, late)).toMatchObject({ accepted: 4 })
    await judgeAll(store)
    expect((await store.operations.list(PROJECT, {}, { limit: 10 })).items).toHaveLength(2)
  })
})

describe('erasing an entity', () => {
  it('ends no group of findings', async () => {
    raw = await rawEngines.PostgreSQL()
    const { store } = raw
    const [gone, over] = [1, 2].map((n) =>
      finding('lost-update', { entity: forgotten, id: findingId('lost-update', `${n}`) }),
    )
    await store.findings.record(
      PROJECT,
      [gone, over].flatMap((each) => each ?? []),
    )
    await store.findings.patch(PROJECT, over?.id ?? '', { status: 'muted' })
    await store.erasure.erase(PROJECT, forgotten, options)
    await store.groups.close(PROJECT, { quietMs: 86_400_000, callsMin: 1 })
    expect((await store.groups.list(PROJECT, {}, { limit: 10 })).items).toMatchObject([{ status: 'open' }])
  })

  it('says where more came in meanwhile', async () => {
    raw = await rawEngines.PostgreSQL()
    const { store, pool } = raw
    const process = newProcess()
    await store.events.append(PROJECT, process, operation({ entity: forgotten }))
    // it waits for detection, which is at it
    const holder = await pool.connect()
    await holder.query('begin')
    await holder.query('select from syncproof.detection_cursors for update')
    const erasing = store.erasure.erase(PROJECT, forgotten, options)
    await vi.waitFor(async () =>
      expect(
        await rows(
          `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%detection_cursors%'`,
        ),
      ).toHaveLength(1),
    )
    await store.events.append(PROJECT, process, operation({ entity: forgotten, firstSeq: 4 }))
    await holder.query('commit')
    holder.release()
    expect(await erasing).toMatchObject({ done: false, removed: { events: 4 }, events_since: 3 })
    expect(await store.erasure.erase(PROJECT, forgotten, options)).toMatchObject({
      done: true,
      removed: { events: 4 },
    })
    expect(await traces()).toEqual({})
  })

  it('killed at any point goes on with the next call', async () => {
    raw = await rawEngines.PostgreSQL()
    const { store, url = '' } = raw
    const process = newProcess()
    for (let n = 0; n < 40; n += 1) {
      const many = Array.from({ length: 25 }, (_, m) =>
        operation({ entity: forgotten, firstSeq: (n * 25 + m) * 4 }),
      )
      await store.events.append(PROJECT, process, many.flat())
    }
    await judgeAll(store)
    const several = Array.from({ length: 1_200 }, (_, n) =>
      finding('lost-update', { entity: forgotten, id: findingId('lost-update', `${n}`) }),
    )
    await store.findings.record(PROJECT, several)
    const left = async () => Object.values(await traces()).reduce((all, some) => all + some, 0)
    const before = await left()
    const run = () => spawn(globalThis.process.execPath, [ERASURE, url, SECRET], { stdio: 'inherit' })
    for (const share of [0.9, 0.5, 0.2]) {
      const child = run()
      const exited = once(child, 'exit')
      await vi.waitFor(async () => expect(await left()).toBeLessThan(before * share), {
        timeout: 60_000,
        interval: 2,
      })
      child.kill('SIGKILL')
      await exited
      // each event that has gone is known to have gone
      const [{ erased, numbers }] = await rows(`
        select (select count(*) from syncproof.events where kind = 'erased')::int as erased,
          (select sum(upper(part) - lower(part)) from syncproof.processes, unnest(erased) as part)::int as numbers`)
      expect(numbers ?? 0).toBe(erased)
    }
    expect(await once(run(), 'exit')).toEqual([0, null])
    expect(await traces()).toEqual({})
  })
})
