import { randomUUID } from 'node:crypto'
import { findingId } from '@syncproof/core/contract'
import { detectionRules } from '@syncproof/core/detection'
import { afterEach, describe, expect, it } from 'vitest'
import type { RetentionPolicy, Store } from '../src/index.ts'
import { finding, newProcess, operation } from './make-events.ts'
import { type RawStore, rawEngines } from './raw-store.ts'

const PROJECT = 'default'
const DAY_MS = 24 * 60 * 60 * 1000
const ALL = { limit: 500 }
const { signal } = new AbortController()

/** Judges all that is there, and finds nothing. */
async function judgeAll(store: Store): Promise<void> {
  for (let lane = 0; lane < store.detection.lanes; lane += 1) {
    const judge = async () => ({ findings: [], resolved: [] })
    while ((await store.detection.step(lane, 500, judge, detectionRules)).events > 0);
  }
}

function expireIn(store: Store, days: number) {
  return store.retention.expire({ signal, nowMs: Date.now() + days * DAY_MS })
}

let raw: RawStore | undefined
afterEach(async () => {
  await raw?.close()
  raw = undefined
})

/** A database of the test's own: what has expired has expired for all projects. */
async function given(open = rawEngines.PostgreSQL): Promise<RawStore> {
  raw = await open()
  return raw
}

async function count(table: string): Promise<number> {
  return Number((await raw?.pool.query(`select count(*) from syncproof.${table}`))?.rows[0].count)
}

async function change(store: Store, more: Partial<RetentionPolicy>): Promise<void> {
  await store.retention.declare({ ...(await store.retention.policy()), ...more })
}

describe.each(Object.entries(rawEngines))('what is past its time, on %s', (_, open) => {
  it('goes by whole days; an event is told from its copy until the day is gone, and refused afterwards', async () => {
    const { store } = await given(open)
    const process = newProcess()
    const [old, young] = [Date.now() - 29 * DAY_MS, Date.now()].map((timeMs, n) =>
      operation({ timeMs, firstSeq: n * 4 }),
    )
    const again = () => store.events.append(PROJECT, process, old ?? [])
    await store.events.append(PROJECT, process, [...(old ?? []), ...(young ?? [])])
    await judgeAll(store)
    // a day after it was the oldest that is taken in, less a little
    for (const days of [0, 1, 1.9])
      expect(await expireIn(store, days)).toMatchObject({ done: true, expired: {} })
    expect(await again()).toEqual({ accepted: 0, duplicates: 4 })
    expect(await expireIn(store, 3.1)).toMatchObject({ done: true, kept: [] })
    expect(await count('events')).toBe(4)
    await expect(again()).rejects.toThrow('have expired')
    const horizon = await store.retention.horizon(Date.now())
    expect(horizon.sinceMs).toBeGreaterThan(Date.now() - 29 * DAY_MS)
    const figures = await store.retention.figures()
    expect(figures.find(({ subject }) => subject === 'events')).toMatchObject({
      keep_ms: 30 * DAY_MS,
      expired: 4,
      gone_before: new Date(horizon.sinceMs).toISOString().replace('000Z', '000000Z'),
    })
    expect(await store.retention.due(60_000)).toBe(false)
  })

  it('goes in the end, whatever it is', async () => {
    const { store, pool } = await given(open)
    const process = newProcess()
    const links = operation().map((event) =>
      event.kind === 'write' ? { ...event, version: 'x', transaction: 'none' } : event,
    )
    await store.events.append(PROJECT, process, links)
    // a gap that never closes, and a number that is used twice
    const operationId = randomUUID()
    await store.events.append(PROJECT, newProcess(), [
      operation({ operationId })[0],
      operation({ operationId, firstSeq: 7 })[3],
    ])
    const [once, twice] = [operation()[0], operation()[0]]
    await store.events.append(PROJECT, process, [once, twice])
    await store.events.append(PROJECT, process, [{ ...once, at: new Date(0).toISOString() }])
    await judgeAll(store)
    await store.findings.record(PROJECT, [finding('lost-update')])
    for (const statement of [
      `insert into syncproof.hazard_traffic values ('default', '${finding('lost-update').id}', 1, 1, 1, 1, 1, 1)`,
      `insert into syncproof.hazard_calls values ('default', 'f', 1, 1, 1, 1)`,
      `insert into syncproof.sections values ('default', 'i', 'n', 's', null, '{}', 0, 0, 0, 0, 0, 0, 0, now(), now())`,
      `insert into syncproof.replaced_versions values
        ('default', 'f', 'v', '${randomUUID()}', '${randomUUID()}', now(), now())`,
    ])
      await pool.query(statement)
    const { rows } = await pool.query(`select relname as name from pg_class
      where relnamespace = 'syncproof'::regnamespace and relkind in ('r', 'p') and not relispartition`)
    const filled = [
      'events',
      'event_links',
      'operations',
      'processes',
      'findings',
      'finding_groups',
      'hazard_calls',
    ]
    filled.push(
      'hazard_traffic',
      'sections',
      'inconsistent_events',
      'inconsistent_copies',
      'replaced_versions',
    )
    filled.push('waiting_operations')
    for (const table of filled) expect(await count(table), table).toBeGreaterThan(0)
    expect(await expireIn(store, 4_000)).toMatchObject({ done: true, kept: [] })
    await store.counts.fold()
    const left = []
    for (const { name } of rows) if ((await count(name)) > 0) left.push(name)
    expect(left.sort()).toEqual(['count_labels', 'counts', 'detection_cursors', 'migrations', 'retention'])
    const { rows: tables } = await pool.query(`select relname as name from pg_class
      where relnamespace = 'syncproof'::regnamespace and relkind = 'r' and relname ~ '^event.*_2'`)
    // of the days ahead of today alone: they are as old as all others now
    expect(tables).toEqual([])
  })
})

describe('what is past its time', () => {
  it('stays while it has not been judged', async () => {
    const { store } = await given()
    await store.events.append(PROJECT, newProcess(), operation({ timeMs: Date.now() - 29 * DAY_MS }))
    const { kept } = await expireIn(store, 10)
    expect(kept).toEqual([expect.stringMatching(/^Events of \d{4}-\d\d-\d\d have not been judged yet\.$/)])
    expect(await count('events')).toBe(4)
    await judgeAll(store)
    expect((await expireIn(store, 10)).kept).toEqual([])
    expect(await count('events')).toBe(0)
  })

  it('goes kind by kind where a kind is kept for a shorter time', async () => {
    const { store } = await given()
    await change(store, { events: { keepMs: 30 * DAY_MS, byKind: { sync: 2 * DAY_MS } } })
    const process = newProcess()
    for (const [n, days] of [10, 6, 0].entries())
      await store.events.append(
        PROJECT,
        process,
        operation({ timeMs: Date.now() - days * DAY_MS, firstSeq: n * 4 }),
      )
    // one of them is not judged yet
    const late = newProcess(1)
    await store.events.append(PROJECT, late, operation({ timeMs: Date.now() - 9 * DAY_MS }))
    const judge = async () => ({ findings: [], resolved: [] })
    while ((await store.detection.step(0, 500, judge, detectionRules)).events > 0);
    const kinds = async () =>
      (await raw?.pool.query('select kind, count(*)::int from syncproof.events group by kind order by kind'))
        ?.rows
    expect((await expireIn(store, 0)).expired).toEqual({ 'events.sync': 1 })
    expect(await kinds()).toMatchObject([
      { count: 4 },
      { count: 4 },
      { kind: 'sync', count: 3 },
      { count: 4 },
    ])
    await judgeAll(store)
    expect((await expireIn(store, 0)).expired).toEqual({ 'events.sync': 2 })
    expect((await expireIn(store, 0)).expired).toEqual({})
    const { sinceMs, byKind } = await store.retention.horizon(Date.now())
    expect(Date.now() - sinceMs).toBeGreaterThan(29 * DAY_MS)
    expect(Date.now() - (byKind.sync ?? 0)).toBeLessThan(2.1 * DAY_MS)
    // a kind that is no longer named is kept as long as all events; what has gone stays gone
    await change(store, { events: { keepMs: 30 * DAY_MS, byKind: {} } })
    expect((await store.retention.horizon(Date.now())).byKind.sync).toBeGreaterThan(Date.now() - 5 * DAY_MS)
    expect((await expireIn(store, 20)).expired['events.sync']).toBeUndefined()
  })

  it('leaves a finding its witness, and a finding goes by its status', async () => {
    const { store } = await given()
    const events = operation({ timeMs: Date.now() - 29 * DAY_MS })
    const process = newProcess()
    await store.events.append(PROJECT, process, events)
    await judgeAll(store)
    const witness = { events: events.map((event) => ({ ...event, process_id: process.id })) }
    const [open, acknowledged, over] = [1, 2, 3].map((n) =>
      finding('lost-update', { id: findingId('lost-update', String(n)), witness }),
    )
    const settled = finding('partial-write', { verdict: 'indeterminate' })
    await store.findings.record(
      PROJECT,
      [open, acknowledged, over, settled].flatMap((each) => each ?? []),
    )
    await store.findings.patch(PROJECT, acknowledged?.id ?? '', { status: 'acknowledged' })
    await store.findings.resolve(PROJECT, [
      { id: settled.id, resolution: { at: new Date().toISOString(), why: 'sent again' } },
    ])
    await change(store, { findingsMs: { open: 200 * DAY_MS, resolved: 100 * DAY_MS } })
    await expireIn(store, 99)
    expect(await count('events')).toBe(0)
    expect((await store.findings.get(PROJECT, open?.id ?? ''))?.witness).toEqual(witness)
    expect((await expireIn(store, 101)).expired).toMatchObject({ 'findings.resolved': 1 })
    expect((await store.findings.list(PROJECT, {}, ALL)).items).toHaveLength(3)
    expect((await expireIn(store, 201)).expired).toMatchObject({ 'findings.open': 3 })
    expect((await store.findings.list(PROJECT, {}, ALL)).items).toEqual([])
  })

  it('ends no group of findings: that its findings have gone says nothing', async () => {
    const { store } = await given()
    await change(store, { findingsMs: { open: 100 * DAY_MS, resolved: 400 * DAY_MS } })
    const gone = finding('lost-update')
    const over = finding('partial-write')
    await store.findings.record(PROJECT, [gone, over])
    await expireIn(store, 101)
    await store.findings.record(PROJECT, [over])
    await store.findings.patch(PROJECT, over.id, { status: 'muted' })
    await store.groups.close(PROJECT, { quietMs: DAY_MS, callsMin: 1 })
    const { items } = await store.groups.list(PROJECT, {}, ALL)
    expect(items.map(({ kind, status }) => `${kind} ${status}`).sort()).toEqual([
      'lost-update open',
      // its finding was seen again, and muted by hand
      'partial-write open',
    ])
  })

  it('leaves of the reports of a pair its baseline and its last whole run', async () => {
    const { store, pool } = await given()
    await store.reports.declarePairs(PROJECT, [
      {
        ...{ name: 'candidate', entity_type: 'candidate', source: 'a', target: 'b', every_ms: null },
        ...{ grace_ms: 0, owner: null },
      },
    ])
    const run = async (keys: readonly string[] | null, result: 'clean' | 'unknown' | 'diverged') => {
      const report = await store.reports.request(PROJECT, 'candidate', 'request', keys)
      const claimed = await store.reports.claim(PROJECT, report?.id ?? '', 1_000)
      await store.reports.finish(PROJECT, report?.id ?? '', claimed?.fence ?? 0, {
        ...{ result, problem: null, self_test: null, rules: null, findings: [], resolved: [] },
        coverage: {
          source_records: 1,
          target_records: 1,
          compared: 1,
          indeterminate: 0,
          unread: 0,
          requests: 1,
        },
        divergences: [
          {
            ...{ key: '42', kind: 'field-mismatch', verdict: 'observed', fields: [], reason: null },
            ...{ finding_id: null, source_observed_at: null, target_observed_at: null },
          },
        ],
      })
      return report?.id
    }
    const ids = []
    for (const [keys, result] of [
      [null, 'diverged'],
      [null, 'clean'],
      [['1'], 'clean'],
      [null, 'clean'],
      [null, 'unknown'],
    ] as const)
      ids.push(await run(keys, result))
    await pool.query(`insert into syncproof.staged_records (stage_id, key, fields) values ($1, 'a', '{}')`, [
      `${ids[0]}/0/source`,
    ])
    await expireIn(store, 89)
    expect(await count('reports')).toBe(5)
    // left by a worker that was killed
    expect(await count('staged_records')).toBe(0)
    expect((await expireIn(store, 91)).expired).toEqual({ reports: 2 })
    const { items } = await store.reports.list(PROJECT, {}, ALL)
    expect(items.map(({ id }) => id)).toEqual([ids[4], ids[3], ids[0]])
    expect(await count('divergences')).toBe(3)
    const [pair] = await store.reports.pairs(PROJECT)
    expect(pair?.last_success_at).not.toBeNull()
  })

  it('has a partition for today and for a week to come as soon as the database is migrated', async () => {
    const { store, pool } = await given()
    expect(await store.retention.prepare()).toBe(0)
    const { rows } = await pool.query(`
      select to_regclass(format('syncproof.%s_%s', name, to_char(today + ahead, 'YYYYMMDD'))) is not null as there
      from (select (clock_timestamp() at time zone 'UTC')::date as today) as clock,
        unnest(array['events', 'event_links']) as name, generate_series(0, 7) as ahead`)
    expect(rows.map(({ there }) => there)).toEqual(Array(16).fill(true))
    await pool.query(
      `drop table syncproof.event_links_${new Date().toISOString().slice(0, 10).replaceAll('-', '')}`,
    )
    expect(await store.retention.prepare()).toBe(1)
  })
})
