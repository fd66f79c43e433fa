import { setTimeout as delay } from 'node:timers/promises'
import { http, page, postgres } from '@syncproof/connectors'
import { startReconciler } from '@syncproof/reconciler'
import { migrateStore, openStore, type Report, type Store } from '@syncproof/store'
import pg from 'pg'
import { Registry } from 'prom-client'
import { startPostgres } from '../testing/throwaway-servers.ts'
import { PLANTED, startLiveSystems } from './live-systems.ts'
import { runPair } from './run-pair.ts'

const PROJECT = 'default'
const RECORDS = 20_000
const GRACE_MS = 2_000
const CUT_EVERY_MS = 10_000
const PAIRS = ['copy', 'api']

export interface Watched {
  readonly checks: number
  readonly runs: number
  /** Runs that could not tell. */
  readonly unknown: number
  /** Records of which a report says that it could not tell. */
  readonly indeterminate: number
  readonly written: number
  readonly faults: number
  readonly cuts: number
  readonly slowestSyncMs: number
}

/** Reconciles a table with a copy and with an API while an app writes all three, the API fails and connections are cut, until
 *  so many records have been checked. The only divergences in any report are those that were planted, and each is in every
 *  report that could tell.
 *  @throws Error where that is not so, or where a sync took longer than the grace: then a report may have been right */
export async function watchForDivergence(checksWanted: number): Promise<Watched> {
  await using opened = new AsyncDisposableStack()
  const server = await startPostgres(false)
  opened.defer(() => server.stop())
  await migrateStore({ url: server.url })
  const store = openStore({ url: server.url })
  opened.defer(() => store.close())
  const systems = await startLiveSystems(server.url, RECORDS)
  opened.defer(() => systems.close())
  const table = postgres({ url: server.url, table: 'people', key: 'id' })
  const reconciler = await startReconciler({
    ...{ store, projectId: PROJECT, queue: { postgresUrl: server.url }, fingerprintKey: 'torture' },
    pairs: {
      copy: {
        source: table,
        target: postgres({ url: server.url, table: 'people_copy', key: 'id' }),
        grace: `${GRACE_MS}ms`,
      },
      api: {
        source: table,
        target: http({
          ...{ url: `${systems.apiUrl}/people`, records: '$.data', key: 'id', next: page() },
          ...{ get: '/people/{key}', ordered: true },
        }),
        grace: `${GRACE_MS}ms`,
      },
    },
    metrics: new Registry(),
  })
  opened.defer(() => reconciler.close())
  const cutting = cutConnections(server.url)
  opened.defer(cutting.stop)

  const seen = { checks: 0, runs: 0, unknown: 0, indeterminate: 0 }
  const add = ({ report, said }: Said): number => {
    assertPlantedOnly(report, said)
    const checks = report.coverage?.compared ?? 0
    seen.runs += 1
    seen.checks += checks
    seen.indeterminate += report.coverage?.indeterminate ?? 0
    if (report.result === 'unknown') seen.unknown += 1
    return checks
  }
  const watch = async (pair: string) => {
    for (let left = checksWanted / PAIRS.length; left > 0; ) left -= add(await run(store, pair))
  }
  await Promise.all(PAIRS.map(watch))
  await cutting.stop()
  await systems.settle()
  if (systems.slowestMs > GRACE_MS) {
    throw new Error(`nothing is shown: a sync took ${systems.slowestMs} ms, longer than the grace`)
  }
  for (const pair of PAIRS) {
    const last = await run(store, pair)
    add(last)
    if (last.report.result !== 'diverged')
      throw new Error(`BROKEN: at rest ${pair} says ${last.report.result}`)
  }
  const { written, faults, slowestMs } = systems
  return { ...seen, written, faults, cuts: cutting.cuts(), slowestSyncMs: Math.round(slowestMs) }
}

interface Said {
  readonly report: Report
  /** Of each record on which the sides differ, by key. */
  readonly said: Readonly<Record<string, string>>
}

async function run(store: Store, pair: string): Promise<Said> {
  const report = await runPair(store, PROJECT, pair)
  const { items } = await store.reports.divergences(PROJECT, report.id, { limit: 500 })
  const observed = items.filter(({ verdict }) => verdict === 'observed')
  const said = Object.fromEntries(observed.map(({ key, kind, fields }) => [key, [kind, ...fields].join(' ')]))
  return { report, said }
}

function assertPlantedOnly(report: Report, said: Said['said']): void {
  for (const [key, what] of Object.entries(said)) {
    if (PLANTED[key] !== what) throw new Error(`BROKEN: ${report.pair} says falsely of ${key}: ${what}`)
  }
  const missed = Object.keys(PLANTED).filter((key) => said[key] === undefined)
  if (report.result !== 'unknown' && missed.length > 0) {
    throw new Error(`BROKEN: ${report.pair} says ${report.result} and nothing of ${missed.join(', ')}`)
  }
}

/** Ends connections that list records, now and then. */
function cutConnections(url: string) {
  const stopping = new AbortController()
  let cuts = 0
  const cutting = (async () => {
    const db = new pg.Client(url)
    await db.connect()
    const { signal } = stopping
    for (let pauseMs = CUT_EVERY_MS; !signal.aborted; ) {
      await delay(pauseMs, undefined, { signal }).catch(() => {})
      const { rowCount } = await db.query(`
        select pg_terminate_backend(pid) from pg_stat_activity
        where pid <> pg_backend_pid() and xact_start is not null
          and (query like 'fetch forward%' or query like '%sha256(%') limit 1`)
      cuts += rowCount ?? 0
      pauseMs = rowCount ? CUT_EVERY_MS : 20
    }
    await db.end()
  })()
  return {
    cuts: () => cuts,
    async stop() {
      stopping.abort()
      await cutting
    },
  }
}
