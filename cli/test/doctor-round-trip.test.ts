import { startCollector } from '@syncproof/collector'
import { migrateStore, openStore, SHADOW_PROJECT, type Store } from '@syncproof/store'
import pg from 'pg'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { roundTrip } from '../src/doctor/ask/round-trip.ts'
import { cli, freePort, freshFolder, type RunningCli, startCli } from './support/cli.ts'
import { createReporter, post } from './support/telemetry.ts'

const KEY = 'operator'

interface Said {
  readonly name: string
  readonly state: string
  readonly what: string
  readonly mend?: string
}

describe('the round trip of syncproof doctor', () => {
  let database: FreshDatabase
  let store: Store
  beforeAll(async () => {
    database = await freshDatabase()
    await migrateStore({ url: database.url })
    store = openStore({ url: database.url })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const start = async (command: 'collector' | 'reconciler', ...words: string[]): Promise<RunningCli> => {
    const all = [command, '--database', database.url, '--metrics-port', '0', ...words]
    const running = startCli(all, { folder: await freshFolder(), env: { SYNCPROOF_API_KEY: KEY } })
    await running.says(/^(?:Collector|Reconciler): /m)
    return running
  }
  const doctor = async (url: string, ...words: string[]) => {
    const folder = await freshFolder()
    const { code, stdout } = await cli(['doctor', '--json', '--database', url, ...words], { folder })
    const { checks } = JSON.parse(stdout) as { readonly checks: readonly Said[] }
    return { code, trip: checks.filter(({ name }) => name === 'round trip') }
  }

  it('goes through the collector to a finding, of which no metric, no list and no reconciler tells', async () => {
    const [port, metricsPort] = [await freePort(), await freePort()]
    await start('collector', '--port', `${port}`, '--metrics-port', `${metricsPort}`)
    const reconciler = await start('reconciler')
    const url = `http://127.0.0.1:${port}`
    const scrape = async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    const figures = async () => (await scrape()).split('\n').filter((line) => SUMMED.test(line))
    // of an app, so that the figures are there
    const reporter = createReporter()
    expect((await post(url, KEY, reporter.batch(reporter.operation('1', true)))).status).toBe(202)
    await expect
      .poll(figures, { timeout: 30_000, interval: 200 })
      .toContainEqual(expect.stringMatching(/^syncproof_findings_total\{.*lost-update.*\} 1$/))
    const before = await figures()
    const { trip } = await doctor(database.url, '--url', url)
    expect(trip).toEqual([
      {
        ...{ name: 'round trip', state: 'pass' },
        what: expect.stringMatching(/^An event became a finding in \d+\.\d s\.$/),
      },
    ])
    // once all that it left has been counted, and what was counted has been read
    while (!(await store.counts.fold()));
    const countedMs = Date.now()
    await expect
      .poll(async () => 1_000 * Number(READ_AT.exec(await scrape())?.[1]), { timeout: 60_000, interval: 200 })
      .toBeGreaterThan(countedMs)
    expect(await figures()).toEqual(before)
    expect(reconciler.stdout()).toContain('lost-update')
    expect(reconciler.stdout()).not.toContain('contract-violation')
    // and nothing is left to be seen
    expect(await store.findings.list(SHADOW_PROJECT, {}, { limit: 10 })).toMatchObject({ items: [] })
    expect(await store.keys.list(SHADOW_PROJECT)).toEqual([])
    // without a collector it goes through the store
    expect(await roundTrip(store, undefined)).toMatchObject([{ state: 'pass' }])
  })

  it('fails where nobody judges, and leaves nothing for who does so later', async () => {
    const fresh = await freshDatabase()
    onTestFinished(() => fresh.drop())
    await migrateStore({ url: fresh.url })
    const own = openStore({ url: fresh.url })
    onTestFinished(() => own.close())
    expect(await roundTrip(own, undefined, 300)).toMatchObject([
      {
        state: 'fail',
        what: 'The event is stored, and became no finding within 0.3 s: nobody has judged it.',
        mend: expect.stringContaining('`syncproof reconciler`'),
      },
    ])
    expect(await keptEvents(fresh.url)).toBe(0)
    expect(await own.health.processes(0)).toEqual([])
    expect(await own.keys.exist()).toBe(false)
  })

  it('fails where the collector keeps its events in another database', async () => {
    const other = await freshDatabase()
    onTestFinished(() => other.drop())
    await migrateStore({ url: other.url })
    const elsewhere = openStore({ url: other.url })
    onTestFinished(() => elsewhere.close())
    const collector = await startCollector({ store: elsewhere, metrics: new Registry(), port: 0 })
    onTestFinished(() => collector.close())
    expect(await roundTrip(store, collector.url)).toMatchObject([
      { state: 'fail', what: expect.stringContaining('it keeps its events in another one') },
    ])
    expect(await store.keys.list(SHADOW_PROJECT)).toEqual([])
  })

  it('is not begun by a login that could not take the event out again', async () => {
    const client = new pg.Client({ connectionString: database.url })
    await client.connect()
    const name = `looker_${database.url.split('/').at(-1)}`
    const all = (what: string) => `on all ${what} in schema syncproof to ${name}`
    await client.query(`create role ${name} login; grant usage on schema syncproof to ${name};
      grant select, insert, update ${all('tables')}; grant usage ${all('sequences')}; grant execute ${all('functions')}`)
    onTestFinished(async () => {
      await client.query(`drop owned by ${name}; drop role ${name}`)
      await client.end()
    })
    const url = database.url.replace(/\/\/[^@]*@/, `//${name}@`)
    expect(await doctor(url)).toMatchObject({
      code: 3,
      trip: [{ state: 'warn', what: 'This login may not send a test event.' }],
    })
    expect(await keptEvents(database.url)).toBe(0)
  })
})

/** Events of the doctor that are not erased. */
async function keptEvents(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::integer from syncproof.events where project_id = $1 and kind <> 'erased'`,
    [SHADOW_PROJECT],
  )
  await client.end()
  return rows[0]?.count ?? 0
}

/** What is summed over all projects. */
const SUMMED =
  /^syncproof_(findings|operation|write|partial|divergence|hazard|sync|repaired|consistent|section|inconsistent|events_(unaccounted|in_flight|dropped)|release)/
const READ_AT = /^syncproof_store_figures_timestamp_seconds (\S+)$/m
