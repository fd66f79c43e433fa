import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFingerprinter, entityKey, parseToken, type SyncproofEvent } from '@syncproof/core/contract'
import { eventSchemas } from '@syncproof/core/contract/schema'
import { detectOperation } from '@syncproof/core/detection'
import type pg from 'pg'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { contract } from '../src/contracts/index.ts'
import { observeFetch } from '../src/external/observe-fetch.ts'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { observe, postgresTable } from '../src/pg/index.ts'
import { exclusive } from '../src/section/index.ts'
import { type HttpSystem, httpSystem, json } from './http-system.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'
import { found, tappedCollector } from './wire-tap.ts'

/** The id of a person, of a kind that each way to spell it shows. */
const ID = 'kanari "fugl" \\7 søker@example.test'
const HASHED = createFingerprinter('k').entityId({ type: 'candidate', id: ID })

const closing: (() => unknown)[] = []
let collector: Awaited<ReturnType<typeof tappedCollector>>
let database: AppDatabase
let pool: pg.Pool
let ats: HttpSystem
let spoolDir: string
let isAway = false
let syncproof: Syncproof
const warned: string[] = []

beforeEach(async () => {
  isAway = false
  warned.length = 0
  collector = await tappedCollector(() =>
    isAway ? { status: 503, headers: { 'retry-after': '0' } } : undefined,
  )
  spoolDir = mkdtempSync(join(tmpdir(), 'syncproof-ids-'))
  database = await openPostgres()
  await database.pool.query(`
    CREATE TABLE candidates (id text PRIMARY KEY, name text, stage text, version int DEFAULT 1);
    CREATE TABLE jobs (id text PRIMARY KEY, title text)`)
  await database.pool.query(`INSERT INTO candidates VALUES ($1, 'Ann', 'new'), ('c2', 'Bo', 'new')`, [ID])
  await database.pool.query(`INSERT INTO jobs VALUES ('j1', 'Baker')`)
  pool = observe(database.pool)
  ats = await httpSystem(({ method, path }, response) =>
    json(
      response,
      method === 'POST' ? 201 : 200,
      { name: 'Ann' },
      { etag: `"${Buffer.from(ID).toString('hex')}-3"`, location: path },
    ),
  )
  syncproof = createSyncproof({
    service: 'test',
    url: collector.url,
    fingerprintKey: 'k',
    spoolDir,
    entities: {
      candidate: {
        entityId: 'hashed',
        table: 'candidates',
        key: 'id',
        invariants: { isNamed: (row) => row.name !== 'Nobody' },
      },
      job: { table: 'jobs', key: 'id' },
    },
    onWarning: ({ message }) => warned.push(message),
  })
  closing.push(
    collector.close,
    () => rmSync(spoolDir, { recursive: true, force: true }),
    database.close,
    ats.close,
    () => syncproof.shutdown(),
  )
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const candidate = (id: string) => ({ type: 'candidate', id })

/** An operation on the candidate that reaches it in every way that makes an event. */
async function reachCandidate(id: string): Promise<void> {
  const row = await syncproof.read('db', async () => ({ id, name: 'Ann', version: 7 }), {
    version: ({ version }) => version,
  })
  await syncproof.write('db', { ...row, name: 'Nobody', version: 8 }, async () => ({ rowCount: 1 }), {
    version: ({ version }) => version,
  })
  await syncproof.sync('ats', row, async () => ({ status: 200 }), {
    idempotencyKey: `candidate-${id}`,
    externalId: () => id,
    uniqueKey: id,
  })
  await syncproof.read('db', async () => ({ id }), { entity: { type: 'candidate', id: `${id}/other` } })

  await exclusive('score', candidate(id), { protection: 'external' }, async () => {
    await pool.query('SELECT * FROM candidates WHERE id = $1', [id])
    await pool.query(`UPDATE candidates SET stage = 'hired', name = 'Nobody' WHERE id = $1`, [id])
  })
  await syncproof.read('db', () => pool.query('SELECT * FROM candidates WHERE id = $1', [id]))
  const table = postgresTable<{ id: string; name: string }>(database.pool, 'candidates', { key: 'id' })
  await syncproof.write('db', { name: 'Bea' }, () => table.update({ where: { id }, data: { name: 'Bea' } }))

  const fetch = observeFetch({ system: 'ats' })
  const url = `${ats.url}/candidates/${encodeURIComponent(id)}`
  const body = JSON.stringify({ id, name: 'Bea' })
  const headers = { 'content-type': 'application/json', 'idempotency-key': encodeURIComponent(id) }
  await (await fetch(url)).json()
  await (await fetch(url, { method: 'PUT', body, headers })).json()
  await (await fetch(`${url}/notes/${encodeURIComponent(id)}`, { method: 'POST', body, headers })).json()
  await (await fetch(url, { method: 'DELETE', headers })).json()
  await renameInside()(id)
}

/** One that another one calls, and whose transaction changes the id itself. */
const renameInside = () =>
  syncproof.wrap(
    async (id: string) => {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        await client.query('SELECT * FROM candidates WHERE id = $1 FOR UPDATE', [id])
        await client.query('SAVEPOINT renaming')
        await client.query('UPDATE candidates SET id = $2 WHERE id = $1', [id, `${id} Jr.`])
        await client.query('ROLLBACK TO renaming')
        await client.query(`UPDATE candidates SET name = 'Cy' WHERE id = $1`, [id])
        await client.query('COMMIT')
      } finally {
        client.release()
      }
    },
    { entity: candidate, name: 'renameInside' },
  )

/** An operation on a job that meets the candidate's row, inside of its marks and outside. */
async function meetCandidate(): Promise<void> {
  await syncproof.read('db', () => pool.query(`SELECT * FROM jobs WHERE id = 'j1'`))
  await syncproof.read('db', () => pool.query(`SELECT * FROM candidates WHERE id = 'c2'`))
  const select = () => pool.query('SELECT * FROM candidates WHERE id = $1', [ID])
  const { rows } = await syncproof.read('db', select)
  await select()
  await syncproof.write('db', rows[0], () =>
    pool.query(`UPDATE candidates SET stage = 'new' WHERE id = $1`, [ID]),
  )
  const table = postgresTable<{ id: string; name: string }>(database.pool, 'candidates', { key: 'id' })
  await syncproof.read('db', () => table.findUnique({ where: { id: ID } }), { entity: candidate(ID) })
  await syncproof.sync('ats', {}, async () => ({ status: 200 }))
  await renameInside()(ID)
}

const onCandidate = () =>
  syncproof.wrap(reachCandidate, {
    entity: candidate,
    name: 'reachCandidate',
    idempotencyKey: (id) => `op ${id}`,
  })
const onJob = () =>
  syncproof.wrap(meetCandidate, { entity: () => ({ type: 'job', id: 'j1' }), name: 'meetCandidate' })

/** One whose row only the helper sees. */
const onJobOfPerson = () =>
  syncproof.wrap(
    async () => {
      const table = postgresTable<{ id: string }>(database.pool, 'candidates', { key: 'id' })
      await syncproof.read('db', () => table.findUnique({ where: { id: ID } }))
    },
    { entity: () => ({ type: 'job', id: 'j1' }), name: 'jobOfPerson' },
  )

it('a hashed id leaves the process in no spelling: by no event, token, URL, key of a request, warning or file', async () => {
  isAway = true
  const spooled = () => Buffer.concat(readdirSync(spoolDir).map((name) => readFileSync(join(spoolDir, name))))
  await vi.waitFor(async () => {
    await onCandidate()(ID)
    await onJob()()
    await onJobOfPerson()()
    expect(spooled().length).toBeGreaterThan(5_000)
  })
  expect(found(ID, spooled())).toEqual([])
  isAway = false
  const { pending, dropped } = await syncproof.shutdown()
  expect([pending, dropped]).toEqual([0, 0])
  const kinds = new Set(collector.server.events().map(({ kind }) => kind))
  for (const kind of ['operation_started', 'read', 'write', 'sync', 'section_entered', 'invariant_violated'])
    expect(kinds).toContain(kind)
  expect(ats.received.some(({ path }) => path.includes(encodeURIComponent(ID)))).toBe(true)
  expect(collector.bytes().includes(HASHED)).toBe(true)
  expect(found(ID, collector.bytes())).toEqual([])
  expect(found(ID, Buffer.from(warned.join('\n')))).toEqual([])
})

it('events name the entity by its hash wherever they come from, and those of other types as they are', async () => {
  await onCandidate()(ID)
  await onJob()()
  await syncproof.flush()
  const named = collector.server.events().flatMap((event) => ('entity' in event ? [event.entity] : []))
  const hashed = [ID, `${ID}/other`, `${ID} Jr.`, 'c2'].map((id) =>
    createFingerprinter('k').entityId(candidate(id)),
  )
  expect(new Set(named.map(entityKey))).toEqual(
    new Set([{ type: 'job', id: 'j1' }, ...hashed.map(candidate)].map(entityKey)),
  )
  const [ofJob] = collector.server
    .ofKind('read')
    .filter(({ entity, fields }) => entity.type === 'job' && 'title' in fields)
  expect(parseToken(ofJob?.version ?? '')?.key).toBe('j1')
  for (const event of collector.server.events()) expect(accepted(event)).toBe(true)
})

function accepted(event: SyncproofEvent): boolean {
  return eventSchemas[event.kind].safeParse(event).success
}

it('field fingerprints are made of the id as it is, so that the reconciler makes the same ones', async () => {
  await onCandidate()(ID)
  await syncproof.flush()
  const read = collector.server.ofKind('read').find(({ fields }) => 'stage' in fields)
  expect(read?.fields.name).toMatch(/^\w+\.auto\./)
  expect(read?.fields.name).toBe(
    createFingerprinter('k').fingerprint(candidate(ID), 'name', 's3:Ann', 'auto'),
  )
})

it('tokens stay comparable: a lost update is proven as it is with ids', async () => {
  const syncStage = syncproof.wrap(
    async (id: string, updates: object) => {
      const { rows } = await pool.query('SELECT * FROM candidates WHERE id = $1', [id])
      await met()
      const merged = { ...rows[0], ...updates }
      await pool.query('UPDATE candidates SET name = $2, stage = $3 WHERE id = $1', [
        id,
        merged.name,
        merged.stage,
      ])
    },
    { entity: candidate, name: 'syncStage' },
  )
  let waiting = 0
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const met = () => {
    waiting += 1
    if (waiting === 2) open()
    return opened
  }
  await Promise.all([syncStage(ID, { name: 'Bea' }), syncStage(ID, { stage: 'hired' })])
  await syncproof.flush()
  const writes = collector.server.ofKind('write')
  const lost = writes.filter(
    ({ overwritten_version: version = '', known_versions }) => !known_versions.includes(version),
  )
  expect(lost).toHaveLength(1)
  expect(writes.map(({ version }) => version)).toContain(lost[0]?.overwritten_version)
  const process = collector.server.requests[0]?.batch.process
  const operationId = lost[0]?.operation_id
  if (!process || operationId === undefined) throw new Error('nothing was reported')
  const events = collector.server
    .events()
    .filter((event) => 'operation_id' in event && event.operation_id === operationId)
    .map((event) => ({ ...event, process_id: process.id }))
  const { findings } = detectOperation({ operationId, process, events, complete: true, family: [] })
  expect(findings.filter(({ kind }) => kind === 'lost-update')).toMatchObject([
    { verdict: 'proven', entity: { id: HASHED } },
  ])
})

it('an attempt with the same idempotency key is still seen as one', async () => {
  const send = syncproof.wrap(
    async (id: string) =>
      syncproof.sync('ats', { id }, async () => ({ status: 503 }), { idempotencyKey: `key ${id}` }),
    { entity: candidate, name: 'send' },
  )
  await send(ID)
  await send(ID)
  await syncproof.flush()
  const syncs = collector.server.ofKind('sync')
  expect(syncs.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(new Set(syncs.map(({ idempotency_key }) => idempotency_key)).size).toBe(1)
})

it('the helper knows a row by its table: a candidate met in a mark on a job is never the job', async () => {
  const table = postgresTable<{ id: string }>(database.pool, 'candidates', { key: 'id' })
  await syncproof.wrap(
    async (ids: readonly string[]) => {
      for (const id of ids) await syncproof.read('db', () => table.findUnique({ where: { id } }))
    },
    { entity: () => ({ type: 'job', id: 'j1' }), name: 'readTwo' },
  )([ID, 'c2'])
  await syncproof.flush()
  expect(collector.server.ofKind('read').map(({ entity }) => entity)).toEqual([
    { type: 'candidate', id: HASHED },
    { type: 'candidate', id: createFingerprinter('k').entityId(candidate('c2')) },
  ])
  expect(warned).toEqual([])
})

it('where no table is declared for the type, rows of unknown tables are hashed too', async () => {
  const client = createSyncproof({
    service: 'test',
    url: collector.url,
    fingerprintKey: 'k',
    entities: { candidate: { entityId: 'hashed' } },
    onWarning: ({ message }) => warned.push(message),
  })
  closing.push(() => client.shutdown())
  const people = postgresTable<{ id: string; stage: string }>(database.pool, 'candidates', { key: 'id' })
  const readAll = client.wrap(
    async (_id: string) => {
      await pool.query('SELECT * FROM candidates')
      await pool.query(`UPDATE candidates SET stage = 'seen' WHERE id = $1`, [ID])
      for (const id of ['c2', ID])
        await client.write('db', {}, () => people.update({ where: { id }, data: { stage: 'new' } }))
    },
    { entity: (id) => ({ type: 'job', id }), name: 'readAll' },
  )
  await readAll('j1')
  await client.wrap(() => readAll('j1'), { entity: () => candidate('c2'), name: 'outer' })()
  await client.flush()
  expect(collector.server.ofKind('write').length).toBeGreaterThanOrEqual(6)
  expect(found(ID, collector.bytes())).toEqual([])
  expect(collector.bytes().includes('"c2"')).toBe(false)
  expect(collector.server.ofKind('operation_started').map(({ entity }) => entity.type)).toContain('job')
  expect(warned).toEqual([expect.stringContaining('by hashes of their keys')])
})

it('a path into a record that broke its contract tells no id that is a key on the way', async () => {
  const input = z.tuple([z.string(), z.record(z.string(), z.object({ score: z.number() }))])
  await syncproof.wrap(async (_id: string, _scores: Record<string, { score: unknown }>) => {}, {
    entity: candidate,
    name: 'score',
    contract: contract({ input }),
  })('ada', { ada: { score: 'high' }, 'c-18': { score: 'high' } })
  await syncproof.flush()
  const [violated] = collector.server.ofKind('contract_violated')
  expect(violated?.issues.map(({ path }) => path)).toEqual(['/1/*/score', '/1/*/score'])
})

it('rows of a table that nobody declared are a warning', async () => {
  await database.pool.query(`CREATE TABLE profiles (candidate_id text PRIMARY KEY, city text)`)
  await database.pool.query(`INSERT INTO profiles VALUES ('p1', 'Bergen')`)
  await syncproof.wrap(
    async (_id: string) => pool.query(`SELECT * FROM profiles WHERE candidate_id = 'p1'`),
    {
      entity: candidate,
      name: 'readProfile',
    },
  )(ID)
  expect(warned.filter((message) => message.includes("'profiles'"))).toHaveLength(1)
})
