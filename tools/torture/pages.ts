import { setTimeout as delay } from 'node:timers/promises'
import { postgres } from '@syncproof/connectors'
import { startReconciler } from '@syncproof/reconciler'
import { webhook } from '@syncproof/reconciler/sinks'
import { migrateStore, openStore } from '@syncproof/store'
import pg from 'pg'
import { Registry } from 'prom-client'
import { startPostgres } from '../testing/throwaway-servers.ts'
import { runPair } from './run-pair.ts'
import { startHook } from './told.ts'

const PROJECT = 'default'
const RUNS_MAX = 40
/** Each suspect is read again by its key. */
const RUN_MS_MAX = 1_800_000
const TOLD_MS_MAX = 60_000

export interface Paged {
  readonly diverged: number
  readonly findings: number
  readonly pages: number
  /** From the end of the run that found them. */
  readonly toldAfterMs: number
  /** After the repair, until each finding was over. */
  readonly runs: number
  readonly over: number
}

/** Lets so many records of a copy differ in one way, and counts who is told how often; then repairs them.
 *  @throws Error where that is not one page and one end */
export async function countPages(records: number): Promise<Paged> {
  await using opened = new AsyncDisposableStack()
  const server = await startPostgres(false)
  opened.defer(() => server.stop())
  await migrateStore({ url: server.url })
  const store = openStore({ url: server.url })
  opened.defer(() => store.close())
  const db = new pg.Client(server.url)
  db.on('error', () => {})
  await db.connect()
  opened.defer(() => db.end())
  await db.query(`
    create table records (id int primary key, name text);
    insert into records select n, 'n' || n from generate_series(1, ${records}) n;
    create table copies as select * from records;
    alter table copies add primary key (id);
    analyze`)
  const hook = await startHook()
  opened.defer(() => hook.down())
  const table = (name: string) => postgres({ url: server.url, table: name, key: 'id' })
  const reconciler = await startReconciler({
    ...{ store, projectId: PROJECT, queue: { postgresUrl: server.url }, fingerprintKey: 'torture' },
    pairs: { records: { source: table('records'), target: table('copies'), grace: '100ms' } },
    alerts: [webhook({ url: hook.url })],
    metrics: new Registry(),
  })
  opened.defer(() => reconciler.close())
  const states = (state: string) => [...hook.told.values()].filter((told) => told.state === state).length
  const run = () => runPair(store, PROJECT, 'records', RUN_MS_MAX)

  await run()
  await db.query("update copies set name = name || 'x'")
  const { diverged } = await run()
  const endedMs = performance.now()
  await until(() => states('firing') > 0)
  const toldAfterMs = Math.round(performance.now() - endedMs)
  // the same again, and more of it
  await run()
  await db.query('update copies set name = records.name from records where records.id = copies.id')
  let runs = 0
  while (states('resolved') === 0 && runs < RUNS_MAX) {
    await run()
    runs += 1
    await until(() => states('resolved') > 0, 5_000).catch(() => {})
  }
  const { items: open } = await store.findings.list(PROJECT, { status: 'open' }, { limit: 1 })
  const { items: groups } = await store.groups.list(PROJECT, {}, { limit: 10 })
  const findings = groups.reduce((sum, group) => sum + group.findings, 0)
  const seen = { diverged, findings, pages: states('firing'), toldAfterMs, runs, over: states('resolved') }
  if (seen.pages !== 1 || seen.over !== 1 || open.length > 0)
    throw new Error(`BROKEN: ${JSON.stringify(seen)}`)
  return seen
}

async function until(holds: () => boolean, ms = TOLD_MS_MAX): Promise<void> {
  const deadlineMs = performance.now() + ms
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error('BROKEN: nobody was told')
    await delay(20)
  }
}
