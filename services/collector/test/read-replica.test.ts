import { randomUUID } from 'node:crypto'
import { type DetectedFinding, findingId } from '@syncproof/core/contract'
import { migrateStore, openStore, type Store } from '@syncproof/store'
import pg from 'pg'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startPostgres, type ThrowawayPostgres } from '../../../tools/testing/throwaway-servers.ts'
import { type RunningCollector, startCollector } from '../src/index.ts'
import { makeBatch, makeEvent } from './make-batch.ts'
import { pair } from './pair.ts'

const waiting = { timeout: 20_000, interval: 50 }
const LAG = 'syncproof_read_replica_lag_seconds'

let primary: ThrowawayPostgres
let standby: ThrowawayPostgres
/** Connections of a person who looks after the two. */
let onPrimary: pg.Pool
let onStandby: pg.Pool
let store: Store
let replica: Store
let metrics: Registry
let collector: RunningCollector
let key: string
const cleanups: (() => Promise<void>)[] = []

beforeAll(async () => {
  primary = await startPostgres(undefined, { wal_keep_size: '256MB' })
  cleanups.unshift(() => primary.stop())
  await migrateStore({ url: primary.url }, { roles: true })
  // what it replays goes before what is being read
  standby = await primary.startStandby({ max_standby_streaming_delay: '0' })
  cleanups.unshift(() => standby.stop())
  onPrimary = poolOf(primary.url)
  onStandby = poolOf(standby.url)
  store = openStore({ url: primary.url })
  await onPrimary.query('create role reader login in role syncproof_reports')
  const least = new URL(standby.url)
  least.username = 'reader'
  replica = openStore({ url: least.href })
  cleanups.unshift(
    () => store.close(),
    () => replica.close(),
  )
  key = (await store.keys.create('default', 'test', ['ingest', 'read', 'admin'])).key
  await store.reports.declarePairs('default', [pair])
  metrics = new Registry()
  collector = await startCollector({ store, replica, port: 0, metrics })
  cleanups.unshift(() => collector.close())
  await caughtUp()
})
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup()
})

function poolOf(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url })
  // a server that is shut down ends what is idle
  pool.on('error', () => {})
  cleanups.unshift(() => pool.end())
  return pool
}

async function ask(path: string, method = 'GET', body?: unknown) {
  const response = await fetch(collector.url + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json') && !text.includes('\n')
  return {
    status: response.status,
    text,
    body: json ? JSON.parse(text) : undefined,
    headers: response.headers,
  }
}

async function send(id: string) {
  const entity = { type: 'candidate', id }
  return await ask('/v1/events', 'POST', makeBatch([makeEvent({ entity })]))
}

async function recordFinding(): Promise<string> {
  const finding: DetectedFinding = {
    id: findingId('lost-update', randomUUID()),
    kind: 'lost-update',
    verdict: 'proven',
    severity: 'high',
    entity: { type: 'candidate', id: '42' },
    fields: ['email'],
    summary: 'syncCandidate overwrote an update that it had not read',
    cause: { operation: 'syncCandidate', service: 'candidate-api' },
    witness: { events: [] },
    occurred_at: '2026-11-20T10:00:00.000000Z',
    details: { system: 'db' },
  }
  await store.findings.record('default', [finding])
  return finding.id
}

/** Everything that is durable on the primary is on the standby. */
async function caughtUp(): Promise<void> {
  const { bytes } = await store.wal.position()
  await vi.waitFor(async () => {
    expect((await replica.wal.position()).bytes).toBeGreaterThanOrEqual(bytes)
  }, waiting)
}

async function pausing(work: () => Promise<void>): Promise<void> {
  await caughtUp()
  await onStandby.query('select pg_wal_replay_pause()')
  await vi.waitFor(async () => {
    const { rows } = await onStandby.query('select pg_get_wal_replay_pause_state() as state')
    expect(rows[0].state).toBe('paused')
  }, waiting)
  try {
    await work()
  } finally {
    await onStandby.query('select pg_wal_replay_resume()')
  }
}

async function lag(): Promise<number | undefined> {
  const line = (await metrics.metrics()).split('\n').find((one) => one.startsWith(`${LAG} `))
  return line === undefined ? undefined : Number(line.split(' ')[1])
}

test('every report can be answered by a standby, with the role for reports alone', async () => {
  const id = randomUUID()
  expect((await send(id)).status).toBe(202)
  const finding = await recordFinding()
  const report = (await ask('/v1/reconciliations', 'POST', { pair: 'candidate' })).body
  const process = (await store.processes.list('default', { limit: 1 })).items[0]?.id
  await caughtUp()
  const shown: Readonly<Record<string, string>> = {
    '/v1/findings': finding,
    [`/v1/findings/${finding}`]: finding,
    '/v1/finding-groups': 'syncCandidate',
    [`/v1/entities/candidate/${id}/timeline`]: id,
    '/v1/operations': '"items"',
    '/v1/processes': String(process),
    [`/v1/processes/${process}/minutes`]: '"items"',
    '/v1/sections': '"items"',
    '/v1/pairs': 'candidate',
    '/v1/reports': report.id,
    [`/v1/reports/${report.id}`]: report.id,
    [`/v1/reports/${report.id}/divergences`]: '"items"',
    '/v1/events': id,
  }
  for (const [path, text] of Object.entries(shown)) {
    const answer = await ask(path)
    expect({ path, status: answer.status }).toEqual({ path, status: 200 })
    expect(answer.text).toContain(text)
  }
  expect((await ask('/readyz')).body).toEqual({ status: 'ok', replica: 'ok' })
})

test('what the standby has not replayed is in no list yet; who made or changed something is answered with it', async () => {
  const before = await recordFinding()
  await caughtUp()
  await vi.waitFor(async () => expect(await lag()).toBe(0), waiting)
  await pausing(async () => {
    const id = randomUUID()
    expect((await send(id)).status).toBe(202)
    expect((await ask(`/v1/entities/candidate/${id}/timeline`)).body.items).toEqual([])
    expect((await ask('/v1/events')).text).not.toContain(id)

    // the answer to a change is the change; a read of it may be older
    const patched = await ask(`/v1/findings/${before}`, 'PATCH', { status: 'acknowledged' })
    expect(patched).toMatchObject({ status: 200, body: { status: 'acknowledged' } })
    expect((await ask(`/v1/findings/${before}`)).body.status).toBe('open')

    // by its id it is found where it was made: `syncproof reconcile` asks for its report at once
    const report = (await ask('/v1/reconciliations', 'POST', { pair: 'candidate', keys: ['1'] })).body
    expect((await ask('/v1/reports')).text).not.toContain(report.id)
    expect((await ask(`/v1/reports/${report.id}`)).body.id).toBe(report.id)
    expect((await ask(`/v1/reports/${randomUUID()}`)).status).toBe(404)

    // a report that has ended is never shown without its records
    const claim = await store.reports.claim('default', report.id, 60_000)
    await store.reports.finish('default', report.id, claim?.fence ?? 0, {
      result: 'diverged',
      problem: null,
      coverage: {
        source_records: 1,
        target_records: 1,
        compared: 1,
        indeterminate: 0,
        unread: 0,
        requests: 1,
      },
      self_test: 'passed',
      rules: null,
      divergences: [
        {
          key: '1',
          kind: 'field-mismatch',
          verdict: 'observed',
          fields: ['email'],
          reason: null,
          finding_id: null,
          source_observed_at: '2026-11-20T10:00:00Z',
          target_observed_at: '2026-11-20T10:00:01Z',
        },
      ],
      findings: [],
      resolved: [],
    })
    expect((await ask(`/v1/reports/${report.id}`)).body.result).toBe('diverged')
    expect((await ask(`/v1/reports/${report.id}/divergences`)).body.items).toHaveLength(1)

    const first = (await lag()) ?? 0
    expect(first).toBeGreaterThan(0)
    await vi.waitFor(async () => expect(await lag()).toBeGreaterThan(first), waiting)
  })
  await vi.waitFor(async () => {
    expect((await ask(`/v1/findings/${before}`)).body.status).toBe('acknowledged')
    expect(await lag()).toBe(0)
  }, waiting)
})

test('a read that gives way to what the standby replays is tried again, and is a clear 503 where it never gets through', async () => {
  // a section list that takes a moment to read, of a table that can be replaced meanwhile
  await onPrimary.query('alter table syncproof.sections rename to kept_sections')
  await onPrimary.query('create table syncproof.slow as select 1 as one')
  await onPrimary.query(`create view syncproof.sections as select * from syncproof.kept_sections
    where (select count(pg_sleep(0.6)) from syncproof.slow) > 0`)
  await onPrimary.query('grant select on syncproof.sections, syncproof.slow to syncproof_reports')
  await caughtUp()
  const conflicts = async () =>
    Number((await onStandby.query('select sum(conflicts) as count from pg_stat_database')).rows[0].count)
  const truncate = () => onPrimary.query('truncate syncproof.slow; insert into syncproof.slow values (1)')
  const isReading = async () => {
    const { rows } = await onStandby.query(
      `select 1 from pg_stat_activity where state = 'active' and wait_event = 'PgSleep'`,
    )
    expect(rows).toHaveLength(1)
  }

  const before = await conflicts()
  const once = ask('/v1/sections')
  await vi.waitFor(isReading, waiting)
  await truncate()
  expect(await once).toMatchObject({ status: 200, body: { items: [] } })
  await vi.waitFor(async () => expect(await conflicts()).toBeGreaterThan(before), waiting)

  let going = true
  const always = (async () => {
    while (going) {
      await isReading().then(truncate, () => {})
    }
  })()
  const never = await ask('/v1/sections')
  going = false
  await always
  expect(never).toMatchObject({ status: 503, body: { code: 'replica_unavailable' } })
  expect(Number(never.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('while the standby is away reports are 503 and say so, events are taken in, and the collector stays ready', async () => {
  await standby.shutDown()
  const away = await ask('/v1/findings')
  expect(away).toMatchObject({ status: 503, body: { code: 'replica_unavailable' } })
  expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(away.text).not.toMatch(/postgres|127\.0\.0\.1|ECONN/i)
  expect((await send(randomUUID())).status).toBe(202)
  expect(await ask('/readyz')).toMatchObject({ status: 200, body: { replica: 'unavailable' } })
  expect(await lag()).toBeUndefined()
  const report = await ask('/v1/reconciliations', 'POST', { pair: 'candidate', keys: ['2'] })
  expect(report.status).toBe(202)

  await standby.startAgain()
  await vi.waitFor(async () => expect((await ask('/v1/findings')).status).toBe(200), waiting)
  expect((await ask('/readyz')).body).toEqual({ status: 'ok', replica: 'ok' })
})

test('a replica that has not replayed the newest migration, or is of another database, is told by the probe', async () => {
  await onPrimary.query(`create database other`)
  const other = new URL(primary.url)
  other.pathname = '/other'
  await migrateStore({ url: other.href })
  const stranger = openStore({ url: other.href })
  const misled = await startCollector({ store, replica: stranger, port: 0, metrics: new Registry() })
  const probe = async (url: string) => (await fetch(`${url}/readyz`)).json()
  expect(await probe(misled.url)).toEqual({ status: 'ok', replica: 'other_database' })
  await misled.close()
  await stranger.close()

  await onPrimary.query(
    `delete from syncproof.migrations where name = (select max(name) from syncproof.migrations)`,
  )
  await caughtUp()
  await pausing(async () => {
    await migrateAgain()
    expect(await probe(collector.url)).toEqual({ status: 'ok', replica: 'not_migrated' })
  })
  await vi.waitFor(
    async () => expect(await probe(collector.url)).toEqual({ status: 'ok', replica: 'ok' }),
    waiting,
  )

  /** What the row says is there already. */
  async function migrateAgain() {
    const { migrations } = await import('@syncproof/migrations')
    await onPrimary.query('insert into syncproof.migrations (name) values ($1)', [migrations.at(-1)?.name])
  }
})
