import { randomInt } from 'node:crypto'
import { type PairConfig, postgres } from '@syncproof/connectors'
import type { Finding } from '@syncproof/core/contract'
import { migrateStore, openStore, type Report, type Store } from '@syncproof/store'
import { openPglite } from '@syncproof/store/pglite'
import { Redis } from 'ioredis'
import pg from 'pg'
import { Registry } from 'prom-client'
import { vi } from 'vitest'
import { freshDatabase, redisUrl } from '../../../../tools/testing/servers.ts'
import {
  type QueueConnection,
  type Reconciler,
  type ReconcilerOptions,
  startReconciler,
} from '../../src/index.ts'
import { type AtsRecord, type AtsServer, startAtsServer } from './ats-server.ts'
import { FINGERPRINT_KEY, PROJECT } from './events.ts'

/** The store's database, with the queue that BullMQ keeps its jobs in. */
interface Engine {
  readonly store: Store
  readonly queue: QueueConnection
  /** Of the store; undefined for the embedded one. */
  readonly url: string | undefined
  close(): Promise<void>
}

export type Transport = 'Redis' | 'PostgreSQL' | 'PGlite'

/** What can be run here; without Redis the run reports loudly that it is missing. */
export function transports(): readonly Transport[] {
  return redisUrl() === undefined ? ['PostgreSQL', 'PGlite'] : ['Redis', 'PostgreSQL', 'PGlite']
}

async function openEngine(transport: Transport): Promise<Engine> {
  if (transport === 'PGlite') {
    const pool = await openPglite({})
    await migrateStore({ pool })
    const store = openStore({ pool })
    return engine(store, { pool }, undefined, () => pool.end())
  }
  const database = await freshDatabase()
  await migrateStore({ url: database.url })
  const store = openStore({ url: database.url })
  const queue = transport === 'Redis' ? { redisUrl: await ownRedisDatabase() } : { postgresUrl: database.url }
  return engine(store, queue, database.url, () => database.drop())
}

function engine(
  store: Store,
  queue: QueueConnection,
  url: string | undefined,
  drop: () => Promise<void>,
): Engine {
  return {
    store,
    queue,
    url,
    async close() {
      await store.close()
      await drop()
    },
  }
}

/** Tests that run at once must not see each other's jobs. */
async function ownRedisDatabase(): Promise<string> {
  const url = new URL(redisUrl() ?? '')
  url.pathname = `/${randomInt(1, 16)}`
  return url.href
}

/** A source table on a real PostgreSQL and an HTTP target, as the pair `candidate`. */
export interface World extends Engine {
  readonly ats: AtsServer
  /** The source's database. */
  readonly db: pg.Pool
  readonly sourceUrl: string
  readonly metrics: Registry
  readonly heard: Finding[]
  readonly logged: string[]
  pair(more?: Partial<PairConfig>): PairConfig
  start(pair?: PairConfig, more?: Partial<ReconcilerOptions>): Promise<Reconciler>
  closeReconcilers(): Promise<void>
  /** Requests a run and waits until it is finished. */
  reconcile(keys?: readonly string[]): Promise<Report>
  finished(id: string): Promise<Report>
  findings(filter?: Parameters<Store['findings']['list']>[1]): Promise<readonly Finding[]>
}

export async function openWorld(transport: Transport, records: readonly AtsRecord[]): Promise<World> {
  const base = await openEngine(transport)
  const source = await freshDatabase()
  const db = new pg.Pool({ connectionString: source.url, max: 4 })
  db.on('error', () => {})
  await db.query('create table candidates (id text primary key, name text not null, status text not null)')
  await insert(db, records)
  const ats = await startAtsServer(records)
  const metrics = new Registry()
  const heard: Finding[] = []
  const logged: string[] = []
  const running: Reconciler[] = []
  const pair = (more: Partial<PairConfig> = {}): PairConfig => ({
    source: postgres({ url: source.url, table: 'candidates', key: 'id' }),
    target: ats.spec(),
    grace: '300ms',
    ...more,
  })
  const world: World = {
    ...base,
    ats,
    db,
    sourceUrl: source.url,
    metrics,
    heard,
    logged,
    pair,
    async start(config = pair(), more = {}) {
      const reconciler = await startReconciler({
        store: base.store,
        projectId: PROJECT,
        pairs: { candidate: config },
        queue: base.queue,
        fingerprintKey: FINGERPRINT_KEY,
        metrics: running.length === 0 ? metrics : new Registry(),
        onFinding: (finding) => heard.push(finding),
        log: (line) => logged.push(line),
        ...more,
      })
      running.push(reconciler)
      return reconciler
    },
    async closeReconcilers() {
      await Promise.all(running.map((reconciler) => reconciler.close()))
    },
    async reconcile(keys) {
      const report = await base.store.reports.request(PROJECT, 'candidate', 'request', keys ?? null)
      if (report === undefined) throw new Error('the pair is not configured')
      return world.finished(report.id)
    },
    async finished(id) {
      return vi.waitFor(
        async () => {
          const report = await base.store.reports.get(PROJECT, id)
          if (report?.state !== 'finished')
            throw new Error(`report ${id} is ${report?.state}: ${logged.join('\n')}`)
          return report
        },
        { timeout: 30_000, interval: 50 },
      )
    },
    async findings(filter = {}) {
      return (await base.store.findings.list(PROJECT, filter, { limit: 500 })).items
    },
    async close() {
      await world.closeReconcilers()
      await ats.close()
      await db.end()
      await source.drop()
      if ('redisUrl' in base.queue) await flush(base.queue.redisUrl)
      await base.close()
    },
  }
  return world
}

/** What happens to Redis when somebody runs FLUSHALL, on the database of this test. */
export async function flush(url: string): Promise<void> {
  const redis = new Redis(url)
  await redis.flushdb()
  await redis.quit()
}

async function insert(db: pg.Pool, records: readonly AtsRecord[]): Promise<void> {
  await db.query(
    'insert into candidates select * from jsonb_to_recordset($1) as r(id text, name text, status text)',
    [JSON.stringify(records)],
  )
}

/** `count` records with keys k00000 … */
export function candidates(count: number): readonly AtsRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `k${String(n).padStart(5, '0')}`,
    name: `Name ${n}`,
    status: n % 2 === 0 ? 'active' : 'hired',
  }))
}
