import type { Finding } from '@syncproof/core/contract'
import { verifyFinding } from '@syncproof/core/verification'
import { createSyncproof, type Syncproof } from '@syncproof/sdk'
import { type PostgresTable, postgresTable } from '@syncproof/sdk/pg'
import { exclusive, type Protection } from '@syncproof/sdk/section'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { type Dev, startDev } from '../src/index.ts'
import { cli } from './support/cli.ts'

/** Sections of an app on one real PostgreSQL, from the call to what the commands say of them. */
interface Candidate {
  readonly id: string
  readonly score: number
}

const databases: FreshDatabase[] = []
let dev: Dev
let pool: pg.Pool
let candidates: PostgresTable<Candidate>

beforeAll(async () => {
  const [own, store] = await Promise.all([freshDatabase(), freshDatabase()])
  databases.push(own, store)
  dev = await startDev({ port: 0, metricsPort: 0, database: store.url })
  pool = new pg.Pool({ connectionString: own.url })
  candidates = postgresTable<Candidate>(pool, 'candidates', { key: 'id' })
  await pool.query('create table candidates (id text primary key, score int not null)')
})
afterAll(async () => {
  await pool?.end()
  await dev?.close()
  await Promise.all(databases.map((database) => database.drop()))
})

/** A client's own marks on the table. */
interface Marks {
  read(table: PostgresTable<Candidate>, id: string, lock?: 'for update'): Promise<Candidate | null>
  write(table: PostgresTable<Candidate>, id: string, score: number): Promise<unknown>
}
type Body = (marks: Marks, id: string, score: number) => Promise<unknown>

/** Calls `body` as a section, once for each score and all at once, in an app of its own. */
async function runSection(
  service: string,
  protection: Protection,
  body: Body,
  scores: readonly number[] = [2],
) {
  await pool.query('insert into candidates values ($1, 1)', [service])
  const syncproof: Syncproof = createSyncproof({
    ...{ service, release: '2.1', url: dev.url, apiKey: dev.apiKey, fingerprintKey: 'k' },
  })
  const entity = (id: string) => ({ type: 'candidate', id })
  const marks: Marks = {
    read: (table, id, lock) => syncproof.read('db', () => table.findUnique({ where: { id }, lock })),
    write: (table, id, score) =>
      syncproof.write('db', {}, () => table.update({ where: { id }, data: { score } })),
  }
  const rescore = syncproof.wrap(
    (id: string, score: number) =>
      exclusive('rescore', entity(id), { protection }, async () => {
        await body(marks, id, score)
      }),
    { name: 'rescore', entity },
  )
  await Promise.all(scores.map((score) => rescore(service, score)))
  await syncproof.shutdown()
  await vi.waitFor(
    async () => {
      const { items } = await dev.store.operations.list('default', { entity_id: service }, { limit: 10 })
      expect(items.filter(({ outcome }) => outcome === 'ok')).toHaveLength(scores.length)
      expect(await dev.store.detection.lag()).toMatchObject({ events: 0 })
    },
    { timeout: 30_000, interval: 50 },
  )
}

async function lockVoids(service: string): Promise<readonly Finding[]> {
  const filter = { kind: 'lock-void', entity_id: service }
  return (await dev.store.findings.list('default', filter, { limit: 10 })).items
}

async function sections(service: string, ...words: readonly string[]) {
  const env = { SYNCPROOF_URL: dev.url, SYNCPROOF_API_KEY: dev.apiKey }
  const said = await cli(['sections', '--service', service, ...words], { env })
  return { ...said, listed: words.includes('--json') ? JSON.parse(said.stdout).sections : [] }
}

describe('a section that did not hold', () => {
  it('is found where another writer changed the row between its read and its write', async () => {
    const advisory = 'select pg_advisory_xact_lock(hashtext($1))'
    await runSection('foreign', 'advisory_lock', async ({ read, write }, id, score) => {
      // the other one asks for no lock: nothing keeps it out
      const client = await pool.connect()
      await client.query('begin')
      await client.query(advisory, [id])
      const row = await read(candidates, id)
      await pool.query('update candidates set score = 7 where id = $1', [id])
      await write(candidates, id, (row?.score ?? 0) + score)
      await client.query('commit')
      client.release()
    })
    const found = await lockVoids('foreign')
    expect(found).toMatchObject([
      {
        verdict: 'proven',
        details: { how: 'foreign-version', section: 'rescore' },
        cause: { release: '2.1' },
      },
    ])
    expect(verifyFinding(found[0])).toMatchObject({ result: 'verified' })
    const { code, listed } = await sections('foreign', '--json')
    expect(code).toBe(1)
    expect(listed).toMatchObject([{ entered: 1, unknown: 1, void: { foreign_version: 1, overlap: 0 } }])
  })

  it('is found where two calls were in it at once, without damage', async () => {
    let inside = 0
    const { promise: bothInside, resolve } = Promise.withResolvers<void>()
    await runSection(
      'overlap',
      'advisory_lock',
      ({ read }, _, score) =>
        candidates.transaction(async (table) => {
          // each locks a key of its own: they do not meet
          await pool.query('select pg_advisory_xact_lock($1)', [score])
          await read(table, 'nobody')
          inside += 1
          if (inside === 2) resolve()
          await bothInside
        }),
      [2, 3],
    )
    const found = await lockVoids('overlap')
    expect(found).toMatchObject([{ verdict: 'proven', details: { how: 'overlap', section: 'rescore' } }])
    expect(verifyFinding(found[0])).toMatchObject({ result: 'verified' })
    const { code, listed } = await sections('overlap', '--json')
    expect(code).toBe(1)
    expect(listed).toMatchObject([{ entered: 2, unknown: 2, void: { overlap: 1, holds_nothing: 0 } }])
  })

  it('is found where its locking read locked nothing, by one call', async () => {
    await runSection('nothing', 'row_lock', async ({ read, write }, id, score) => {
      await read(candidates, id, 'for update')
      await write(candidates, id, score)
    })
    const found = await lockVoids('nothing')
    expect(found).toMatchObject([{ verdict: 'proven', details: { how: 'holds-nothing' } }])
    const { code, stdout, stderr } = await sections('nothing')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '1 section and release.\n' })
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      'rescore  nothing 2.1  did not hold  row_lock',
      '  1 run  0 held  1 held nothing  0 not checked',
      '  lock-void findings:  1 holds-nothing',
    ])
  })
})

describe('the command sections', () => {
  const locked: Body = ({ read, write }, id, score) =>
    candidates.transaction(async (table) => {
      await read(table, id, 'for update')
      await write(table, id, score)
    })

  it('exits 0 where every run held its lock, however many contended', async () => {
    await runSection('held', 'row_lock', locked, [2, 3, 4, 5])
    expect(await lockVoids('held')).toEqual([])
    const { code, stdout } = await sections('held')
    expect(stdout).toContain('rescore  held 2.1  held  row_lock\n  4 runs  4 held  0 held nothing')
    expect(code).toBe(0)
  })

  it('exits 4 where some runs, and 3 where none was checked, or no section was told', async () => {
    const nobody: Body = ({ read }) => candidates.transaction((table) => read(table, 'nobody', 'for update'))
    // one after the other: at once, the two would be in the section together
    let turn: Promise<unknown> = Promise.resolve()
    const inTurn: Body = (marks, id, score) => {
      turn = turn.then(() => (score === 2 ? locked : nobody)(marks, id, score))
      return turn
    }
    await runSection('part', 'row_lock', inTurn, [2, 3])
    expect(await sections('part')).toMatchObject({ code: 4 })
    await runSection('unchecked', 'external', ({ write }, id, score) => write(candidates, id, score))
    expect(await sections('unchecked')).toMatchObject({ code: 3 })
    const none = await sections('unchecked', '--release', '9')
    expect(none).toMatchObject({
      code: 3,
      stdout: '',
      stderr: 'No section was told: nothing is known of any lock.\n',
    })
    expect(await sections('unchecked', '--release', '9', '--json')).toMatchObject({ code: 3, listed: [] })
  })
})
