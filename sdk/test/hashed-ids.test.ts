import { createFingerprinter, entityKey, parseToken, type SyncproofEvent } from '@syncproof/core/contract'
import { eventSchemas } from '@syncproof/core/contract/schema'
import { detectOperation } from '@syncproof/core/detection'
import { Kysely } from 'kysely'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { observeFetch } from '../src/external/observe-fetch.ts'
import { proxy } from '../src/external/proxy.ts'
import type { Syncproof } from '../src/index.ts'
import { ObservedPostgresDialect } from '../src/kysely/index.ts'
import { postgresTable } from '../src/pg/index.ts'
import { exclusive } from '../src/section/index.ts'
import { candidate, DECLARED, ID, openPersonalWorld, type PersonalWorld } from './personal-world.ts'
import { found } from './wire-tap.ts'

const HASHED = createFingerprinter('k').entityId(candidate(ID))

let world: PersonalWorld
let pool: PersonalWorld['pool']
let people: Kysely<{ candidates: { id: string; stage: string } }>
let syncproof: Syncproof

beforeEach(async () => {
  world = await openPersonalWorld()
  pool = world.pool
  people = new Kysely({ dialect: new ObservedPostgresDialect({ pool: world.database.pool }) })
  syncproof = world.client(DECLARED)
})
afterEach(() => world.close())

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
  const table = postgresTable<{ id: string; name: string }>(world.database.pool, 'candidates', { key: 'id' })
  await syncproof.write('db', { name: 'Bea' }, () => table.update({ where: { id }, data: { name: 'Bea' } }))

  const fetch = observeFetch({ system: 'ats' })
  const url = `${world.ats.url}/candidates/${encodeURIComponent(id)}`
  const body = JSON.stringify({ id, name: 'Bea' })
  const headers = { 'content-type': 'application/json', 'idempotency-key': encodeURIComponent(id) }
  await (await fetch(url)).json()
  await (await fetch(url, { method: 'PUT', body, headers })).json()
  await (await fetch(`${url}/notes/${encodeURIComponent(id)}`, { method: 'POST', body, headers })).json()
  await (await fetch(url, { method: 'DELETE', headers })).json()
  const client = proxy(
    { replace: async (key: string, _record: object) => ({ id: `ats-${key}`, key }) },
    {
      system: 'ats',
      methods: {
        replace: { action: 'update', payload: (_key, record) => record, externalId: (reply) => reply.id },
      },
    },
  )
  await client.replace(id, { id, name: 'Bea' })
  await people.selectFrom('candidates').selectAll().where('id', '=', id).execute()
  await people.updateTable('candidates').set({ stage: 'seen' }).where('id', '=', id).execute()
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
  const table = postgresTable<{ id: string; name: string }>(world.database.pool, 'candidates', { key: 'id' })
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
      const table = postgresTable<{ id: string }>(world.database.pool, 'candidates', { key: 'id' })
      await syncproof.read('db', () => table.findUnique({ where: { id: ID } }))
    },
    { entity: () => ({ type: 'job', id: 'j1' }), name: 'jobOfPerson' },
  )

it('a hashed id leaves the process in no spelling: by no event, token, URL, key of a request, warning or file', async () => {
  world.state.isAway = true
  await vi.waitFor(
    async () => {
      await onCandidate()(ID)
      await onJob()()
      await onJobOfPerson()()
      expect(world.spooled().length).toBeGreaterThan(5_000)
    },
    { timeout: 20_000 },
  )
  expect(found(ID, world.spooled())).toEqual([])
  world.state.isAway = false
  const { pending, dropped } = await syncproof.shutdown()
  expect([pending, dropped]).toEqual([0, 0])
  const kinds = new Set(world.collector.server.events().map(({ kind }) => kind))
  for (const kind of ['operation_started', 'read', 'write', 'sync', 'section_entered', 'invariant_violated'])
    expect(kinds).toContain(kind)
  expect(world.ats.received.some(({ path }) => path.includes(encodeURIComponent(ID)))).toBe(true)
  expect(world.collector.bytes().includes(HASHED)).toBe(true)
  expect(found(ID, world.collector.bytes())).toEqual([])
  expect(found(ID, Buffer.from(world.warned.join('\n')))).toEqual([])
})

it('events name the entity by its hash wherever they come from, and those of other types as they are', async () => {
  await onCandidate()(ID)
  await onJob()()
  await syncproof.flush()
  const named = world.collector.server.events().flatMap((event) => ('entity' in event ? [event.entity] : []))
  const hashed = [ID, `${ID}/other`, `${ID} Jr.`, 'c2'].map((id) =>
    createFingerprinter('k').entityId(candidate(id)),
  )
  expect(new Set(named.map(entityKey))).toEqual(
    new Set([{ type: 'job', id: 'j1' }, ...hashed.map(candidate)].map(entityKey)),
  )
  const [ofJob] = world.collector.server
    .ofKind('read')
    .filter(({ entity, fields }) => entity.type === 'job' && 'title' in fields)
  expect(parseToken(ofJob?.version ?? '')?.key).toBe('j1')
  for (const event of world.collector.server.events()) expect(accepted(event)).toBe(true)
})

function accepted(event: SyncproofEvent): boolean {
  return eventSchemas[event.kind].safeParse(event).success
}

it('field fingerprints are made of the id as it is, so that the reconciler makes the same ones', async () => {
  await onCandidate()(ID)
  await syncproof.flush()
  const read = world.collector.server.ofKind('read').find(({ fields }) => 'stage' in fields)
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
  const writes = world.collector.server.ofKind('write')
  const lost = writes.filter(
    ({ overwritten_version: version = '', known_versions }) => !known_versions.includes(version),
  )
  expect(lost).toHaveLength(1)
  expect(writes.map(({ version }) => version)).toContain(lost[0]?.overwritten_version)
  const process = world.collector.server.requests[0]?.batch.process
  const operationId = lost[0]?.operation_id
  if (!process || operationId === undefined) throw new Error('nothing was reported')
  const events = world.collector.server
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
  const syncs = world.collector.server.ofKind('sync')
  expect(syncs.map(({ attempt }) => attempt)).toEqual([1, 2])
  expect(new Set(syncs.map(({ idempotency_key }) => idempotency_key)).size).toBe(1)
})
