import type { Finding } from '@syncproof/core/contract'
import { verifyFinding } from '@syncproof/core/verification'
import type { SectionRow } from '@syncproof/store'
import type pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type Dev, startDev } from '../../cli/src/index.ts'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { observe, type PostgresTable, postgresTable } from '../src/pg/index.ts'
import { exclusive } from '../src/section/index.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'

/** A lock that was there on purpose, and that a later release of the app silently removed. Each release runs once, as
 *  an app's own test would run it: one caller, nobody who contends, no damage. */
interface Candidate {
  readonly id: string
  readonly score: number
}
/** What one release of the app works with. */
interface Tools {
  readonly candidates: PostgresTable<Candidate>
  /** Reports by itself what its SQL reads and writes. */
  readonly pool: pg.Pool
  read(table: PostgresTable<Candidate>, id: string, lock?: 'for update'): Promise<Candidate | null>
  add(table: PostgresTable<Candidate>, row: Candidate | null): Promise<unknown>
}
/** One release of the app: how it adds to a score within the section `rescore`. */
type Release = (tools: Tools, id: string) => Promise<unknown>

let store: FreshDatabase
let app: AppDatabase
let dev: Dev

beforeAll(async () => {
  ;[store, app] = await Promise.all([freshDatabase(), openPostgres()])
  dev = await startDev({ port: 0, metricsPort: 0, database: store.url })
  await app.pool.query('create table candidates (id text primary key, score int not null)')
})
afterAll(async () => {
  await dev?.close()
  await app?.close()
  await store?.drop()
})

const locksTheRow: Release = ({ candidates, read, add }, id) =>
  candidates.transaction(async (table) => add(table, await read(table, id, 'for update')))

const READ = 'select id, score from candidates where id = $1'
const WRITE = 'update candidates set score = $2 where id = $1'

/** The same in SQL, whose locking read goes to `locksOn`. */
const inSql =
  (read: string, locksOn: (client: pg.PoolClient, pool: pg.Pool) => pg.Pool | pg.PoolClient): Release =>
  async ({ pool }, id) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const { rows } = await locksOn(client, pool).query(read, [id])
      await client.query(WRITE, [id, rows[0].score + 1])
      await client.query('commit')
    } finally {
      client.release()
    }
  }

const optimisations: readonly (readonly [what: string, before: Release, after: Release])[] = [
  [
    'the transaction is gone, and the lock ends with its statement',
    locksTheRow,
    async ({ candidates, read, add }, id) => add(candidates, await read(candidates, id, 'for update')),
  ],
  [
    'the lock is taken on another connection than that of the transaction',
    locksTheRow,
    ({ candidates, read, add }, id) =>
      candidates.transaction(async (table) => add(table, await read(candidates, id, 'for update'))),
  ],
  [
    'FOR UPDATE is gone',
    locksTheRow,
    ({ candidates, read, add }, id) =>
      candidates.transaction(async (table) => add(table, await read(table, id))),
  ],
  [
    'the row is read without a lock, and nothing is a transaction',
    locksTheRow,
    async ({ candidates, read, add }, id) => add(candidates, await read(candidates, id)),
  ],
  [
    'FOR UPDATE is gone from the SQL of an observed pool',
    inSql(`${READ} for update`, (client) => client),
    inSql(READ, (client) => client),
  ],
  [
    'an observed pool runs the SQL with FOR UPDATE beside the transaction',
    inSql(`${READ} for update`, (client) => client),
    inSql(`${READ} for update`, (_, pool) => pool),
  ],
]

/** Runs one release of a service once, on a candidate of its own, until all that it told is judged. */
async function runOnce(service: string, release: string, run: Release): Promise<number> {
  const id = `${service}-${release}`
  await app.pool.query('insert into candidates values ($1, 1)', [id])
  const syncproof: Syncproof = createSyncproof({
    ...{ service, release, url: dev.url, apiKey: dev.apiKey, fingerprintKey: 'k' },
    entities: { candidate: { table: 'candidates', key: 'id' } },
  })
  const tools: Tools = {
    candidates: postgresTable(app.pool, 'candidates', { key: 'id' }),
    pool: observe(app.pool),
    read: (table, id, lock) => syncproof.read('db', () => table.findUnique({ where: { id }, lock })),
    add(table, row) {
      const data = { score: (row?.score ?? 0) + 1 }
      return syncproof.write('db', data, () => table.update({ where: { id }, data }))
    },
  }
  const entity = (id: string) => ({ type: 'candidate', id })
  const wrapped = syncproof.wrap(
    (id: string) => exclusive('rescore', entity(id), { protection: 'row_lock' }, () => run(tools, id)),
    { name: 'rescore', entity },
  )
  await wrapped(id)
  await syncproof.shutdown()
  await vi.waitFor(
    async () => {
      const { items } = await dev.store.operations.list('default', { entity_id: id }, { limit: 1 })
      expect(items).toMatchObject([{ outcome: 'ok' }])
      expect(await dev.store.detection.lag()).toMatchObject({ events: 0 })
    },
    { timeout: 30_000, interval: 50 },
  )
  const { rows } = await app.pool.query('select score from candidates where id = $1', [id])
  return rows[0].score
}

async function ask<T>(path: string): Promise<readonly T[]> {
  const reply = await fetch(dev.url + path, { headers: { authorization: `Bearer ${dev.apiKey}` } })
  return ((await reply.json()) as { items: T[] }).items
}

const damage = async (service: string) =>
  (await ask<Finding>('/v1/findings?verdict=proven&limit=500')).filter(
    ({ cause }) => cause.service === service,
  )

it.each(optimisations)('a lock that is no more is found by one call: %s', async (_, before, after) => {
  const service = `app-${optimisations.findIndex((each) => each[0] === _)}`
  expect(await runOnce(service, 'r1', before)).toBe(2)
  expect(await damage(service)).toEqual([])

  expect(await runOnce(service, 'r2', after)).toBe(2)
  const found = await damage(service)
  expect(found).toMatchObject([
    {
      kind: 'lock-void',
      verdict: 'proven',
      entity: { type: 'candidate', id: `${service}-r2` },
      cause: { operation: 'rescore', service, release: 'r2' },
      details: { how: 'holds-nothing', section: 'rescore' },
    },
  ])
  expect(verifyFinding(found[0])).toMatchObject({ result: 'verified' })

  const section = { name: 'rescore', service, protections: ['row_lock'], entered: 1, unknown: 0 }
  expect(await ask<SectionRow>(`/v1/sections?name=rescore&service=${service}`)).toMatchObject([
    { ...section, release: 'r2', held: 0, not_held: 1, void: { holds_nothing: 1, overlap: 0 } },
    { ...section, release: 'r1', held: 1, not_held: 0, void: { holds_nothing: 0, overlap: 0 } },
  ])
})
