import { createServer, type Server } from 'node:http'
import { http, postgres } from '@syncproof/connectors'
import { createFingerprinter } from '@syncproof/core/contract'
import { createSyncproof, type Syncproof } from '@syncproof/sdk'
import { observeFetch } from '@syncproof/sdk/fetch'
import { observe } from '@syncproof/sdk/pg'
import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { type Dev, startDev } from '../src/index.ts'

/** App and reconciler on one record whose id is personal: they must call it alike, and nobody may keep it. */
const ID = 'ada.lovelace@example.test'
const OTHER = 'grace.hopper@example.test'
const databases: FreshDatabase[] = []
const records = new Map([
  [ID, { id: ID, name: 'Ada', email: 'old@x' }],
  [OTHER, { id: OTHER, name: 'Grace', email: 'old@x' }],
])
const HASHED = createFingerprinter('secret').entityId({ type: 'candidate', id: OTHER })
const SPELLINGS = [ID, OTHER].flatMap((id) => [id, encodeURIComponent(id)])
let ats: Server
let url: string
let dev: Dev
let pool: pg.Pool
let store: pg.Pool
let syncproof: Syncproof

beforeAll(async () => {
  const [own, kept] = await Promise.all([freshDatabase(), freshDatabase()])
  databases.push(own, kept)
  pool = new pg.Pool({ connectionString: own.url })
  store = new pg.Pool({ connectionString: kept.url, max: 1 })
  await pool.query('create table candidates (id text primary key, name text, email text)')
  await pool.query(`insert into candidates values ($1, 'Ada', 'old@x'), ($2, 'Grace', 'old@x')`, [ID, OTHER])
  ats = createServer((request, response) => {
    request.resume()
    // it takes no change, and does not say so
    if (request.method !== 'GET') return void response.writeHead(503).end()
    const key = decodeURIComponent(request.url?.split('/')[2] ?? '')
    const found = key === '' ? [...records.values()] : records.get(key)
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? {}))
  })
  await new Promise<void>((resolve) => ats.listen(0, '127.0.0.1', resolve))
  const address = ats.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port')
  url = `http://127.0.0.1:${address.port}/candidates`
  const source = postgres({ url: own.url, table: 'candidates', key: 'id' })
  const target = http({ url, records: '$', key: 'id', get: '/candidates/{key}' })
  dev = await startDev({
    port: 0,
    metricsPort: 0,
    database: kept.url,
    fingerprintKey: 'secret',
    config: { pairs: { candidate: { source, target, grace: '300ms', entityId: 'hashed' } } },
  })
  syncproof = createSyncproof({
    service: 'candidate-api',
    url: dev.url,
    apiKey: dev.apiKey,
    fingerprintKey: 'secret',
    entities: { candidate: { entityId: 'hashed', table: 'candidates', key: 'id' } },
  })
})

afterAll(async () => {
  await syncproof?.shutdown()
  await pool?.end()
  await store?.end()
  await dev?.close()
  ats?.closeAllConnections()
  await new Promise((resolve) => ats?.close(resolve))
  await Promise.all(databases.map((database) => database.drop()))
})

it('a divergence is explained by the call that made it, and the store never holds the id', async () => {
  const fetch = observeFetch({ system: 'ats' })
  const observed = observe(pool)
  const change = syncproof.wrap(
    async function change(id: string, email: string) {
      await observed.query('update candidates set email = $2 where id = $1', [id, email])
      const body = JSON.stringify({ id, email })
      await fetch(`${url}/${encodeURIComponent(id)}`, { method: 'PUT', body })
    },
    { entity: (id) => ({ type: 'candidate', id }), syncs: ['ats'] },
  )
  await change(ID, 'new@x')
  await syncproof.flush()
  const findings = async () => (await dev.store.findings.list('default', {}, { limit: 50 })).items
  await vi.waitFor(
    async () => expect((await findings()).map(({ kind }) => kind)).toContain('unknown-outcome'),
    { timeout: 30_000 },
  )
  await dev.store.reports.request('default', 'candidate', 'request', null)
  const mismatch = await vi.waitFor(
    async () => {
      const found = (await findings()).find(({ kind }) => kind === 'field-mismatch')
      if (!found) throw new Error('there is no mismatch yet')
      return found
    },
    { timeout: 30_000 },
  )
  expect(mismatch).toMatchObject({ fields: ['email'], status: 'open', cause: { operation: 'change' } })
  const [unknown] = (await findings()).filter(({ kind }) => kind === 'unknown-outcome')
  expect(unknown).toMatchObject({ entity: mismatch.entity, status: 'resolved' })

  await keepsNoId()
})

it('a lost update and the mismatch that it leaves are found of one entity, called by its hash', async () => {
  const observed = observe(pool)
  let reading = 0
  let release = () => {}
  const bothHaveRead = new Promise<void>((resolve) => {
    release = resolve
  })
  const merge = syncproof.wrap(
    async function merge(id: string, updates: object) {
      const { rows } = await observed.query('select * from candidates where id = $1', [id])
      reading += 1
      if (reading === 2) release()
      await bothHaveRead
      const merged = { ...rows[0], ...updates }
      await observed.query('update candidates set name = $2, email = $3 where id = $1', [
        id,
        merged.name,
        merged.email,
      ])
    },
    { entity: (id) => ({ type: 'candidate', id }) },
  )
  await Promise.all([merge(OTHER, { name: 'Grace H.' }), merge(OTHER, { email: 'new@x' })])
  await syncproof.flush()
  const ofEntity = async () => {
    const filter = { entity_type: 'candidate', entity_id: HASHED }
    return (await dev.store.findings.list('default', filter, { limit: 50 })).items
  }
  await vi.waitFor(async () => expect((await ofEntity()).map(({ kind }) => kind)).toContain('lost-update'), {
    timeout: 30_000,
  })
  await dev.store.reports.request('default', 'candidate', 'request', null)
  const mismatch = await vi.waitFor(
    async () => {
      const found = (await ofEntity()).find(({ kind }) => kind === 'field-mismatch')
      if (!found) throw new Error('there is no mismatch yet')
      return found
    },
    { timeout: 30_000 },
  )
  expect(mismatch).toMatchObject({ status: 'open', cause: { operation: 'merge' } })
  const lost = (await ofEntity()).find(({ kind }) => kind === 'lost-update')
  expect(lost).toMatchObject({ verdict: 'proven', entity: { type: 'candidate', id: HASHED } })
  await keepsNoId()
})

/** Nothing in the store spells an id. */
async function keepsNoId(): Promise<void> {
  const { rows } = await store.query<{ table: string }>(
    `select format('%I.%I', table_schema, table_name) as table from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  )
  for (const { table } of rows) {
    const all = await store.query<{ text: string }>(`select t::text as text from ${table} as t`)
    expect(all.rows.filter(({ text }) => SPELLINGS.some((id) => text.includes(id)))).toEqual([])
  }
  expect(rows.length).toBeGreaterThan(5)
}
