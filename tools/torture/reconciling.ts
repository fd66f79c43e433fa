import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { migrateStore, openStore, type Report, type Store } from '@syncproof/store'
import { Redis } from 'ioredis'
import pg from 'pg'
import { startPostgres, startRedis } from '../testing/throwaway-servers.ts'
import { runPair } from './run-pair.ts'
import { Workers } from './workers.ts'

const PROJECT = 'default'
const WORKERS = 2
const RECORDS = 40_000
const FEW = 2_000
const PAGE_RECORDS = 100
const PAGE_MS = 10
/** From one kill to the next, at most: a process takes most of a second to start. */
const ALIVE_MS_MAX = 2_500

/** What runs said, and what they had to live through. */
export interface Reconciled {
  readonly runs: number
  readonly kills: number
  readonly flushes: number
}

/** Kills workers of a reconciliation with -9 at random points, so many times, and flushes Redis now and then. Every run must
 *  end with the report of a run that nobody disturbed.
 *  @throws Error where one says something else */
export async function killReconciler(kills: number, queue: 'Redis' | 'PostgreSQL'): Promise<Reconciled> {
  await using opened = new AsyncDisposableStack()
  const stage = await openStage(opened, queue)
  const expected = new Map<string, string>()
  const workers = new Workers(stage.startWorker)
  opened.defer(() => workers.stop())
  await workers.start(WORKERS)
  for (const pair of PAIRS) expected.set(pair, await stage.said(pair))

  const seen = { runs: 0, kills: 0, flushes: 0 }
  while (seen.kills < kills) {
    for (const pair of PAIRS) {
      const ended = stage.said(pair).then((said) => ({ said }))
      for (;;) {
        const outcome = await Promise.race([ended, delay(Math.random() * ALIVE_MS_MAX)])
        if (outcome) {
          if (outcome.said !== expected.get(pair)) {
            throw new Error(`BROKEN: ${pair} says ${outcome.said} and not ${expected.get(pair)}`)
          }
          break
        }
        if (seen.kills >= kills) continue
        await workers.killOne()
        seen.kills += 1
        if (seen.kills % 5 === 0 && (await stage.flush())) seen.flushes += 1
      }
      seen.runs += 1
    }
  }
  return seen
}

const PAIRS = ['tables', 'api']

interface Stage {
  readonly startWorker: () => ChildProcess
  /** Asks for a run and waits for what it says. */
  said(pair: string): Promise<string>
  /** @returns whether there is a Redis */
  flush(): Promise<boolean>
}

async function openStage(opened: AsyncDisposableStack, queue: 'Redis' | 'PostgreSQL'): Promise<Stage> {
  const postgres = await startPostgres(false)
  opened.defer(() => postgres.stop())
  const redis = queue === 'Redis' ? await startRedis() : undefined
  if (queue === 'Redis' && redis === undefined) throw new Error('there is no redis-server to start')
  if (redis) opened.defer(() => redis.stop())
  await migrateStore({ url: postgres.url })
  const store = openStore({ url: postgres.url })
  opened.defer(() => store.close())
  const db = new pg.Client(postgres.url)
  await db.connect()
  await fill(db)
  const { rows } = await db.query('select id, name from few order by md5(id)')
  await db.end()
  const api = await startApi(rows)
  opened.defer(() => api.close())
  const script = new URL('reconciling-worker.ts', import.meta.url).pathname
  const args = [script, postgres.url, redis?.url ?? '', postgres.url, api.url]
  return {
    startWorker: () => spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }),
    said: (pair) => saidOf(store, pair),
    async flush() {
      if (redis === undefined) return false
      const client = new Redis(redis.url)
      await client.flushall()
      client.disconnect()
      return true
    },
  }
}

/** Two tables with differences of five kinds, and one that an API serves with the same. */
async function fill(db: pg.Client): Promise<void> {
  await db.query(`
    create table records (id int primary key, name text, score numeric);
    insert into records select n, 'n' || n, n / 4.0 from generate_series(1, ${RECORDS}) n;
    create table copies as select * from records;
    alter table copies add primary key (id);
    update copies set name = name || 'x' where id % 4001 = 1;
    update copies set name = null where id % 5003 = 2;
    update copies set score = score + 0.01 where id % 6007 = 3;
    delete from copies where id % 4999 = 4;
    insert into copies values (-1, 'before', 0), (${RECORDS + 1}, 'behind', 0);
    create table few as select 'k' || n as id, 'n' || n as name from generate_series(1, ${FEW}) n;
    alter table few add primary key (id);
    analyze`)
}

/** Serves records in no order, with some changed, some left out and one more, by pages with a cursor. */
async function startApi(rows: readonly { readonly id: string; readonly name: string }[]) {
  const records = rows
    .filter(({ id }) => id !== 'k77')
    .map((row) => (row.id === 'k500' ? { ...row, name: 'other' } : row))
    .concat({ id: 'k0', name: 'unknown' })
  const byId = new Map(records.map((record) => [record.id, record]))
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const id = url.pathname.split('/')[2]
    if (id !== undefined) {
      const record = byId.get(id)
      response.writeHead(record ? 200 : 404, { 'content-type': 'application/json' })
      response.end(JSON.stringify(record ?? {}))
      return
    }
    await delay(PAGE_MS)
    const from = Number(url.searchParams.get('cursor') ?? 0)
    const next = from + PAGE_RECORDS < records.length ? from + PAGE_RECORDS : null
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ data: records.slice(from, from + PAGE_RECORDS), next }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

async function saidOf(store: Store, pair: string): Promise<string> {
  const report = await runPair(store, PROJECT, pair)
  return textOf(report, await divergencesOf(store, report.id))
}

async function divergencesOf(store: Store, id: string): Promise<readonly string[]> {
  const { items } = await store.reports.divergences(PROJECT, id, { limit: 500 })
  return items.map(({ key, kind, verdict, fields }) => [key, kind, verdict, ...fields].join(' '))
}

/** All that does not depend on when and by whom it was made. */
function textOf(
  { result, problem, coverage, self_test, diverged }: Report,
  divergences: readonly string[],
): string {
  const { requests: _, ...covered } = coverage ?? { requests: 0 }
  return JSON.stringify({ result, problem, covered, self_test, diverged, divergences })
}
