import { createSyncproof, type Syncproof } from '@syncproof/sdk'
import { postgresTable } from '@syncproof/sdk/pg'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { type Dev, startDev } from '../src/index.ts'

/** From the app's call to the finding, on one real PostgreSQL for the app and another database for the store. */
const databases: FreshDatabase[] = []
let dev: Dev
let pool: pg.Pool
let syncproof: Syncproof

beforeAll(async () => {
  const [own, store] = await Promise.all([freshDatabase(), freshDatabase()])
  databases.push(own, store)
  dev = await startDev({ port: 0, metricsPort: 0, database: store.url })
  pool = new pg.Pool({ connectionString: own.url })
  await pool.query('create table candidates (id text primary key, name text, email text)')
  syncproof = createSyncproof({ service: 'nested', url: dev.url, apiKey: dev.apiKey })
})

afterAll(async () => {
  await syncproof?.shutdown()
  await pool?.end()
  await dev?.close()
  await Promise.all(databases.map((database) => database.drop()))
})

type Send = (id: string) => Promise<unknown>

/** An operation that declares the ATS and leaves the sending to an operation of its own. */
function nested(send: Send | undefined) {
  const candidates = postgresTable(pool, 'candidates', { key: 'id' })
  const entity = (id: string) => ({ type: 'candidate', id })
  const push = syncproof.wrap(
    async function push(id: string, row: unknown) {
      if (send) await syncproof.sync('ats', row, () => send(id))
    },
    { entity },
  )
  return syncproof.wrap(
    async function change(id: string, email: string) {
      const row = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
      const merged = { ...row, email }
      await syncproof.write('db', merged, () => candidates.update({ where: { id }, data: merged }))
      await push(id, merged)
    },
    { entity, syncs: ['ats'] },
  )
}

async function findingsAfter(id: string, run: () => Promise<unknown>): Promise<string[]> {
  await pool.query('insert into candidates values ($1, $2, $3)', [id, 'Ada', 'old@x'])
  await run().catch(() => undefined)
  await syncproof.flush()
  await vi.waitFor(
    async () => {
      const { items } = await dev.store.operations.list('default', { entity_id: id }, { limit: 10 })
      expect(items.length).toBeGreaterThan(1)
      expect(items.every((operation) => operation.finished_at !== null)).toBe(true)
      expect(await dev.store.detection.lag()).toMatchObject({ events: 0 })
    },
    { timeout: 30_000, interval: 50 },
  )
  const { items } = await dev.store.findings.list('default', { entity_id: id }, { limit: 10 })
  return items.map((finding) => `${finding.kind} ${finding.verdict}`).sort()
}

it('a sync that a called operation sent is never taken for one that was not sent', async () => {
  const change = nested(async () => 'applied')
  expect(await findingsAfter('sent', () => change('sent', 'new@x'))).toEqual([])
})

it('a sync that nobody sent is found, though another operation was called to send it', async () => {
  const change = nested(undefined)
  expect(await findingsAfter('never', () => change('never', 'new@x'))).toEqual(['partial-write proven'])
})

it('a refusal that a called operation got is found, and an answer that never came is never a split', async () => {
  const refused = nested(() => Promise.reject(Object.assign(new Error('no'), { status: 422 })))
  expect(await findingsAfter('refused', () => refused('refused', 'new@x'))).toEqual(['partial-write proven'])
  const lost = nested(() => Promise.reject(new TypeError('fetch failed')))
  expect(await findingsAfter('lost', () => lost('lost', 'new@x'))).toEqual(['unknown-outcome indeterminate'])
})

it('a write over a change that it had not read is a lost update, and over one of its own root it is not', async () => {
  const change = nested(async () => 'applied')
  await pool.query(`insert into candidates values ('busy', 'Ada', 'old@x')`)
  const candidates = postgresTable(pool, 'candidates', { key: 'id' })
  const rename = syncproof.wrap(
    async function rename(id: string, name: string) {
      const row = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
      await change(id, 'new@x')
      const merged = { ...row, name }
      await syncproof.write('db', merged, () => candidates.update({ where: { id }, data: merged }))
    },
    { entity: (id: string) => ({ type: 'candidate', id }) },
  )
  // under one root nothing is foreign: the caller could have read what it itself had changed
  await rename('busy', 'Bob')
  const other = syncproof.wrap(
    async function other(id: string, name: string) {
      const row = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
      await pool.query(`update candidates set email = 'raw@x' where id = $1`, [id])
      const merged = { ...row, name }
      await syncproof.write('db', merged, () => candidates.update({ where: { id }, data: merged }))
    },
    { entity: (id: string) => ({ type: 'candidate', id }) },
  )
  await other('busy', 'Eve')
  await syncproof.flush()
  await vi.waitFor(
    async () => {
      const { items } = await dev.store.findings.list(
        'default',
        { kind: 'lost-update', entity_id: 'busy' },
        { limit: 10 },
      )
      expect(items).toMatchObject([{ cause: { operation: 'other' }, fields: ['email'], verdict: 'proven' }])
    },
    { timeout: 30_000, interval: 50 },
  )
})
