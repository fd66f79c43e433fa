import { createFingerprinter, entityKey } from '@syncproof/core/contract'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import { contract } from '../src/contracts/index.ts'
import type { Syncproof } from '../src/index.ts'
import { postgresTable } from '../src/pg/index.ts'
import { candidate, DECLARED, ID, openPersonalWorld, type PersonalWorld } from './personal-world.ts'
import { found } from './wire-tap.ts'

/** Ids that are met where nobody names the entity: in rows of tables, and in keys of records. */
const HASHED = createFingerprinter('k').entityId(candidate(ID))

let world: PersonalWorld
let pool: PersonalWorld['pool']
let syncproof: Syncproof

beforeEach(async () => {
  world = await openPersonalWorld()
  pool = world.pool
  syncproof = world.client(DECLARED)
})
afterEach(() => world.close())

it('the helper knows a row by its table: a candidate met in a mark on a job is never the job', async () => {
  const table = postgresTable<{ id: string }>(world.database.pool, 'candidates', { key: 'id' })
  await syncproof.wrap(
    async (ids: readonly string[]) => {
      for (const id of ids) await syncproof.read('db', () => table.findUnique({ where: { id } }))
    },
    { entity: () => ({ type: 'job', id: 'j1' }), name: 'readTwo' },
  )([ID, 'c2'])
  await syncproof.flush()
  expect(world.collector.server.ofKind('read').map(({ entity }) => entity)).toEqual([
    { type: 'candidate', id: HASHED },
    { type: 'candidate', id: createFingerprinter('k').entityId(candidate('c2')) },
  ])
  expect(world.warned).toEqual([])
})

it('where no table is declared for the type, rows of unknown tables are hashed too', async () => {
  const client = world.client({ candidate: { entityId: 'hashed' } })
  const people = postgresTable<{ id: string; stage: string }>(world.database.pool, 'candidates', {
    key: 'id',
  })
  const readAll = client.wrap(
    async (_id: string) => {
      await pool.query('SELECT * FROM candidates WHERE id = $1', [ID])
      await pool.query(`UPDATE candidates SET stage = 'seen' WHERE id = $1`, [ID])
      for (const id of ['c2', ID])
        await client.write('db', {}, () => people.update({ where: { id }, data: { stage: 'new' } }))
    },
    { entity: (id) => ({ type: 'job', id }), name: 'readAll' },
  )
  await readAll('j1')
  await client.wrap(() => readAll('j1'), { entity: () => candidate('c2'), name: 'outer' })()
  await client.flush()
  expect(world.collector.server.ofKind('write').length).toBeGreaterThanOrEqual(6)
  expect(found(ID, world.collector.bytes())).toEqual([])
  expect(world.collector.bytes().includes('"c2"')).toBe(false)
  expect(world.collector.server.ofKind('operation_started').map(({ entity }) => entity.type)).toContain('job')
  expect(world.warned).toEqual([expect.stringContaining('by hashes of their keys')])
})

it('a type that is named like its table needs not name it', async () => {
  const client = world.client({ candidates: { entityId: 'hashed' }, jobs: {} })
  const read = client.wrap(
    async (_id: string) => {
      await pool.query('SELECT * FROM candidates WHERE id = $1', [ID])
      await client.read('db', () => pool.query('SELECT * FROM candidates WHERE id = $1', [ID]))
      await pool.query(`SELECT * FROM jobs WHERE id = 'j1'`)
    },
    { entity: (id) => ({ type: 'company', id }), name: 'read' },
  )
  await read('acme')
  await client.flush()
  const named = world.collector.server.ofKind('read').map(({ entity }) => entityKey(entity))
  const hashed = createFingerprinter('k').entityId({ type: 'candidates', id: ID })
  expect(named).toContain(entityKey({ type: 'candidates', id: hashed }))
  expect(named).toContain(entityKey({ type: 'jobs', id: 'j1' }))
  expect(named).not.toContain(entityKey({ type: 'company', id: 'acme' }))
  expect(found(ID, world.collector.bytes())).toEqual([])
  expect(world.warned).toEqual([])
})

it('a path into a record that broke its contract tells no id that is a key on the way', async () => {
  const input = z.tuple([z.string(), z.record(z.string(), z.object({ score: z.number() }))])
  await syncproof.wrap(async (_id: string, _scores: Record<string, { score: unknown }>) => {}, {
    entity: candidate,
    name: 'score',
    contract: contract({ input }),
  })('ada', { ada: { score: 'high' }, 'c-18': { score: 'high' } })
  await syncproof.flush()
  const [violated] = world.collector.server.ofKind('contract_violated')
  expect(violated?.issues.map(({ path }) => path)).toEqual(['/1/*/score', '/1/*/score'])
})

it('rows of a table that nobody declared are a warning', async () => {
  await world.database.pool.query(`CREATE TABLE profiles (candidate_id text PRIMARY KEY, city text)`)
  await world.database.pool.query(`INSERT INTO profiles VALUES ('p1', 'Bergen')`)
  await syncproof.wrap(
    async (_id: string) => pool.query(`SELECT * FROM profiles WHERE candidate_id = 'p1'`),
    {
      entity: candidate,
      name: 'readProfile',
    },
  )(ID)
  expect(world.warned.filter((message) => message.includes("'profiles'"))).toHaveLength(1)
})
