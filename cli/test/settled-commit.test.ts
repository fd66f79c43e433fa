import { postgres } from '@syncproof/connectors'
import type { Finding } from '@syncproof/core/contract'
import { createSyncproof, type Syncproof } from '@syncproof/sdk'
import { postgresTable } from '@syncproof/sdk/pg'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { type Dev, startDev } from '../src/index.ts'
import { type Cut, type CuttingProxy, cuttingProxy } from './support/cut-commit.ts'

/** Commits whose answer was lost, on real PostgreSQL, from the app's call to what the database says of them. */
const databases: FreshDatabase[] = []
let dev: Dev
let direct: pg.Pool
let proxy: CuttingProxy
let pool: pg.Pool
let syncproof: Syncproof

beforeAll(async () => {
  const [own, store] = await Promise.all([freshDatabase(), freshDatabase()])
  databases.push(own, store)
  direct = new pg.Pool({ connectionString: own.url })
  for (const table of ['candidates', 'copies'])
    await direct.query(`create table ${table} (id text primary key, name text, email text)`)
  // a server that has just been started is not trusted with ids of about that time
  await vi.waitFor(
    async () => {
      const { rows } = await direct.query(`select now() - pg_postmaster_start_time() > '7 s' as settled`)
      expect(rows).toEqual([{ settled: true }])
    },
    { timeout: 20_000, interval: 200 },
  )
  const table = (name: string) => postgres({ url: own.url, table: name, key: 'id' })
  const pair = { source: table('candidates'), target: table('copies'), grace: '300ms' }
  dev = await startDev({
    port: 0,
    metricsPort: 0,
    database: store.url,
    config: { pairs: { candidate: pair } },
  })
  proxy = await cuttingProxy(own.url)
  pool = new pg.Pool({ connectionString: proxy.url, max: 1 })
  pool.on('error', () => {})
  syncproof = createSyncproof({ service: 'cut-off', url: dev.url, apiKey: dev.apiKey })
  // the answer to a first batch says what the clocks differ by
  await syncproof.wrap(async () => {}, { entity: () => ({ type: 'clock', id: '1' }) })()
  await syncproof.flush()
}, 60_000)

afterAll(async () => {
  await syncproof?.shutdown()
  await pool?.end()
  await proxy?.close()
  await dev?.close()
  await direct?.end()
  await Promise.all(databases.map((database) => database.drop()))
})

interface Candidate {
  readonly id: string
  readonly name: string
  readonly email: string
}

/** Changes a record in a transaction whose COMMIT meets this cut. */
async function changeAcross(cut: Cut, id: string): Promise<void> {
  for (const table of ['candidates', 'copies'])
    await direct.query(`insert into ${table} values ($1, 'Ada', 'old@x')`, [id])
  const change = syncproof.wrap(
    async function change(id: string, email: string) {
      await candidates.transaction(async (own) => {
        await syncproof.write('db', { email }, () => own.update({ where: { id }, data: { email } }))
        proxy.cutNext(cut)
      })
    },
    { entity: (id: string) => ({ type: 'candidate', id }) },
  )
  const candidates = postgresTable<Candidate>(pool, 'candidates', { key: 'id' })
  await expect(change(id, 'new@x')).rejects.toThrow()
  await syncproof.flush()
}

async function unknownOf(id: string): Promise<Finding | undefined> {
  const filter = { kind: 'unknown-outcome', entity_id: id }
  return (await dev.store.findings.list('default', filter, { limit: 10 })).items[0]
}

async function settled(id: string): Promise<Finding> {
  return vi.waitFor(
    async () => {
      const finding = await unknownOf(id)
      expect(finding).toMatchObject({ status: 'resolved', details: { what: 'commit' } })
      return finding as Finding
    },
    { timeout: 20_000, interval: 50 },
  )
}

it('a commit that the database made though its answer was lost is told to be applied, and its copy is read', async () => {
  await changeAcross('after', 'applied')
  expect((await settled('applied')).resolution?.why).toContain('committed')
  expect((await direct.query(`select email from candidates where id = 'applied'`)).rows).toEqual([
    { email: 'new@x' },
  ])
  await vi.waitFor(
    async () => {
      const filter = { kind: 'field-mismatch', entity_id: 'applied' }
      const { items } = await dev.store.findings.list('default', filter, { limit: 10 })
      expect(items).toMatchObject([{ fields: ['email'], status: 'open' }])
    },
    { timeout: 20_000, interval: 50 },
  )
})

it('a commit that never reached the database is told to be rolled back', async () => {
  await changeAcross('before', 'lost')
  expect((await settled('lost')).resolution?.why).toContain('rolled back')
  expect((await direct.query(`select email from candidates where id = 'lost'`)).rows).toEqual([
    { email: 'old@x' },
  ])
})

it('a transaction that the database still holds open is asked for until it ends, and no read settles it', async () => {
  await changeAcross('held', 'held')
  await vi.waitFor(
    async () =>
      expect(await unknownOf('held')).toMatchObject({
        status: 'open',
        verdict: 'indeterminate',
        reason: expect.stringContaining('has not ended'),
      }),
    { timeout: 20_000, interval: 50 },
  )
  // both systems agree, and it may be committed after that
  const asked = await dev.store.reports.request('default', 'candidate', 'request', ['held'])
  await vi.waitFor(
    async () => {
      const report = await dev.store.reports.get('default', asked?.id ?? '')
      expect(report).toMatchObject({ state: 'finished', result: 'clean' })
    },
    { timeout: 20_000, interval: 50 },
  )
  expect(await unknownOf('held')).toMatchObject({ status: 'open' })
  proxy.release()
  expect((await settled('held')).resolution?.why).toContain('rolled back')
})
