import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { EventBatch } from '@syncproof/core/contract'
import { createSyncproof, type SyncproofWarning } from '@syncproof/sdk'
import { migrateStore, openStore } from '@syncproof/store'
import pg from 'pg'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startBalancer } from '../../tools/testing/balancer.ts'
import { freshDatabase, redisUrl } from '../../tools/testing/servers.ts'
import { cli, freePort, type RunningCli, startCli } from './support/cli.ts'
import { createReporter, post } from './support/telemetry.ts'

const KEY = 'rolling-upgrade-key'
const APPS = 2
const SOON = { timeout: 60_000, interval: 50 }
const OTHER_RELEASE = fileURLToPath(new URL('./support/contract-collector.ts', import.meta.url))

/** What the next release brings: columns, of the largest table too, and a table. Under the lock that `syncproof migrate` takes. */
const NEXT_MIGRATION = `
  begin;
  select pg_advisory_xact_lock(hashtextextended('syncproof/migrations', 0));
  alter table syncproof.events add column next_release text;
  alter table syncproof.findings add column next_release text not null default 'none';
  alter table syncproof.processes add column next_release integer;
  create table syncproof.next_release (id bigint primary key);
  insert into syncproof.migrations (name) values ('9999_01_01_1_next');
  commit`

async function openDatabase() {
  const database = await freshDatabase()
  onTestFinished(() => database.drop())
  await migrateStore({ url: database.url })
  const store = openStore({ url: database.url, poolMax: 2 })
  onTestFinished(() => store.close())
  await store.keys.adopt('default', 'test', KEY, ['ingest', 'read', 'admin'])
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
  onTestFinished(() => pool.end())
  return { url: database.url, store, pool }
}

/** A program that sends by the SDK of this release until it is told to stop. */
function startApp(number: number, url: string) {
  const warnings: SyncproofWarning[] = []
  const syncproof = createSyncproof({
    ...{ service: `app-${number}`, url, apiKey: KEY, fingerprintKey: 'rolling' },
    onWarning: (warning) => warnings.push(warning),
    flushIntervalMs: 20,
  })
  const change = syncproof.wrap(
    async function change(id: string) {
      await syncproof.read('db', async () => ({ id, score: 1 }))
      await syncproof.write('db', { id, score: 2 }, async () => ({ id, score: 2 }))
      await syncproof.sync('ats', { id, score: 2 }, async () => ({ status: 200 }))
    },
    { entity: (id: string) => ({ type: 'candidate', id: `${number}-${id}` }), syncs: ['ats'] },
  )
  let isOn = true
  let calls = 0
  const running = (async () => {
    for (; isOn; calls++) {
      await change(String(calls))
      await sleep(5)
    }
  })()
  onTestFinished(async () => {
    isOn = false
    await syncproof.shutdown()
  })
  return {
    warnings,
    syncproof,
    calls: () => calls,
    async stop() {
      isOn = false
      await running
    },
  }
}

/** An app that is upgraded before the collectors. What is refused it sends again, as the SDK does, only sooner. */
function startNewerApp(url: string) {
  const reporter = createReporter()
  const acknowledged: EventBatch[] = []
  const refused = new Set<string>()
  let isOn = true
  const running = (async () => {
    for (let count = 0; isOn; count++) {
      const batch = {
        ...reporter.batch(reporter.operation(`newer-${count}`, true)),
        contract: 2,
      } as EventBatch
      for (;;) {
        const answer = await post(url, KEY, batch).catch(() => undefined)
        if (answer?.status === 202) break
        if (answer) refused.add(JSON.stringify(answer.body))
        await sleep(20)
      }
      acknowledged.push(batch)
      await sleep(20)
    }
  })()
  onTestFinished(() => {
    isOn = false
  })
  return {
    acknowledged,
    refused,
    async stop() {
      isOn = false
      await running
    },
  }
}

describe('a rolling upgrade over a change of the contract', () => {
  it('loses and doubles nothing under load: the database first, then the collectors one after the other', async () => {
    const { url, store, pool } = await openDatabase()
    const env = { SYNCPROOF_DATABASE_URL: url, SYNCPROOF_LOG_LEVEL: 'error', SYNCPROOF_API_KEY: KEY }
    const ports = [await freePort(), await freePort()]
    const older = (port: number) =>
      startCli(['collector', '--port', String(port), '--metrics-port', '0'], { env })
    const newer = (port: number) => startCli([url, String(port), '1,2'], { program: [OTHER_RELEASE] })
    const running = async (service: RunningCli) => {
      await service.says(/^(Collector|Reconciler): /m)
      return service
    }
    const redis = redisUrl()
    const words = ['reconciler', '--metrics-port', '0', ...(redis ? ['--redis', redis] : [])]
    const [reconciler, ...collectors] = await Promise.all(
      [startCli(words, { env }), ...ports.map(older)].map(running),
    )
    const balancer = await startBalancer(ports)
    onTestFinished(() => balancer.close())
    const apps = Array.from({ length: APPS }, (_, number) => startApp(number, balancer.url))
    const newerApp = startNewerApp(balancer.url)
    const traffic = async () => {
      const before = apps.map((app) => app.calls())
      await vi.waitFor(
        () => expect(apps.every((app, i) => app.calls() > (before[i] ?? 0) + 20)).toBe(true),
        SOON,
      )
    }
    const stored = async () =>
      Number((await pool.query('select count(*) from syncproof.events')).rows[0].count)
    const goesOn = async () => {
      const before = await stored()
      await vi.waitFor(async () => expect(await stored()).toBeGreaterThan(before + 200), SOON)
    }

    await goesOn()
    await pool.query(NEXT_MIGRATION)
    await goesOn()
    await vi.waitFor(() => expect(newerApp.refused.size).toBeGreaterThan(0), SOON)

    for (const [index, port] of ports.entries()) {
      expect((await collectors[index]?.kill('SIGTERM'))?.code).toBe(0)
      await traffic()
      collectors[index] = await running(newer(port))
      await goesOn()
    }
    await vi.waitFor(() => expect(newerApp.acknowledged.length).toBeGreaterThan(20), SOON)
    await newerApp.stop()
    for (const app of apps) {
      await app.stop()
      await app.syncproof.flush()
    }

    const { items } = await store.processes.list('default', { limit: 100 })
    const { rows } = await pool.query<{ id: string; events: number; numbers: number }>(`
      select process_id as id, count(*)::integer as events, count(distinct seq)::integer as numbers
      from syncproof.events group by 1`)
    for (const [number, app] of apps.entries()) {
      const books = items.find(({ service }) => service === `app-${number}`)
      const row = rows.find(({ id }) => id === books?.id)
      const produced = app.calls() * 5
      expect({ app: number, books, row }).toMatchObject({
        books: { produced, stored: produced, dropped: {}, in_flight: 0, unaccounted: 0, inconsistent: 0 },
        row: { events: produced, numbers: produced },
      })
      expect(app.warnings).toEqual([])
    }
    // both took part, before and after
    for (const port of ports) expect(balancer.taken.get(port)).toBeGreaterThan(1)

    // what was acknowledged is there before anything is sent again, and each lost update was found once
    const ids = newerApp.acknowledged.flatMap((batch) => batch.events.map(({ id }) => id))
    const kept = await pool.query('select count(*) from syncproof.events where id = any($1::uuid[])', [ids])
    expect(Number(kept.rows[0].count)).toBe(ids.length)
    await vi.waitFor(async () => {
      const found = await pool.query(
        `select entity_id, count(*)::integer as times from syncproof.findings where kind = 'lost-update' group by 1`,
      )
      expect(found.rows).toHaveLength(newerApp.acknowledged.length)
      expect(found.rows.every(({ times }) => times === 1)).toBe(true)
    }, SOON)
    for (const refusal of newerApp.refused) {
      expect(refusal).toContain('unsupported_contract')
      expect(refusal).toContain('Upgrade the collectors first')
    }
    expect((await reconciler?.kill('SIGTERM'))?.code).toBe(0)
  })

  it('keeps in the SDK what a collector of an older contract refuses, and delivers it when that is upgraded', async () => {
    const { url, store } = await openDatabase()
    const port = await freePort()
    const start = async (contracts: string) => {
      const collector = startCli([url, String(port), contracts], { program: [OTHER_RELEASE] })
      await collector.says(/^Collector: /m)
      return collector
    }
    const tooOld = await start('0')
    const app = startApp(7, `http://127.0.0.1:${port}`)
    await vi.waitFor(() => expect(app.warnings.map(({ code }) => code)).toContain('collector_refuses'), SOON)
    await vi.waitFor(() => expect(app.calls()).toBeGreaterThan(100), SOON)
    await app.stop()
    await app.syncproof.flush()
    expect((await store.processes.list('default', { limit: 10 })).items).toEqual([])
    expect(app.warnings[0]?.message).toContain('Upgrade the collectors first')

    await tooOld.kill('SIGTERM')
    await start('1')
    // as its own next try, within a minute
    await app.syncproof.flush()
    const produced = app.calls() * 5
    const { items } = await store.processes.list('default', { limit: 10 })
    expect(items).toMatchObject([{ produced, stored: produced, dropped: {}, unaccounted: 0 }])
  })
})

describe('the schema of another release', () => {
  it('keeps no service from starting where it is newer, and `migrate` of the older release leaves it alone', async () => {
    const { url, pool } = await openDatabase()
    await pool.query(NEXT_MIGRATION)
    const env = { SYNCPROOF_DATABASE_URL: url }
    const words = ['--metrics-port', '0']
    for (const service of [['collector', '--port', '0'], ['reconciler']]) {
      const running = startCli([...service, ...words], { env })
      await running.says(/^(Collector|Reconciler): /m)
      expect((await running.kill('SIGTERM')).code).toBe(0)
    }
    const again = await cli(['migrate', '--json'], { env })
    expect(JSON.parse(again.stdout)).toEqual({ version: 1, applied: [] })
    const { rows } = await pool.query(`select count(*) from syncproof.migrations where name like '9999%'`)
    expect(rows[0].count).toBe('1')
  })

  it('stops every service where it is older by one migration', async () => {
    const { url, pool } = await openDatabase()
    await pool.query(
      'delete from syncproof.migrations where name = (select max(name) from syncproof.migrations)',
    )
    for (const service of [['collector', '--port', '0'], ['reconciler']]) {
      const env = { SYNCPROOF_DATABASE_URL: url }
      const { code, stderr } = await cli([...service, '--metrics-port', '0'], { env })
      expect({ service, code }).toEqual({ service, code: 3 })
      expect(stderr).toContain('Run `syncproof migrate`')
    }
  })
})
