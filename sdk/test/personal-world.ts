import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSyncproof, type EntityTypes } from '../src/index.ts'
import { observe } from '../src/pg/index.ts'
import { httpSystem, json } from './http-system.ts'
import { openPostgres } from './pg-engines.ts'
import { tappedCollector } from './wire-tap.ts'

/** The id of a person, of a kind that each way to spell it shows. */
export const ID = 'kanari "fugl" \\7 søker@example.test'

export const candidate = (id: string) => ({ type: 'candidate', id })

/** A candidate with a personal id and a job, a system that repeats the id in its headers, and a collector behind a wire
 *  that is listened to. */
export async function openPersonalWorld() {
  const closing: (() => unknown)[] = []
  const warned: string[] = []
  const state = { isAway: false }
  const collector = await tappedCollector(() =>
    state.isAway ? { status: 503, headers: { 'retry-after': '0' } } : undefined,
  )
  const spoolDir = mkdtempSync(join(tmpdir(), 'syncproof-ids-'))
  const database = await openPostgres()
  await database.pool.query(`
    CREATE TABLE candidates (id text PRIMARY KEY, name text, stage text, version int DEFAULT 1);
    CREATE TABLE jobs (id text PRIMARY KEY, title text)`)
  await database.pool.query(`INSERT INTO candidates VALUES ($1, 'Ann', 'new'), ('c2', 'Bo', 'new')`, [ID])
  await database.pool.query(`INSERT INTO jobs VALUES ('j1', 'Baker')`)
  const ats = await httpSystem(({ method, path }, response) =>
    json(
      response,
      method === 'POST' ? 201 : 200,
      { name: 'Ann' },
      { etag: `"${Buffer.from(ID).toString('hex')}-3"`, location: path },
    ),
  )
  closing.push(
    collector.close,
    () => rmSync(spoolDir, { recursive: true, force: true }),
    database.close,
    ats.close,
  )
  return {
    collector,
    database,
    pool: observe(database.pool),
    ats,
    warned,
    state,
    /** What waits on disk. */
    spooled: () => Buffer.concat(readdirSync(spoolDir).map((name) => readFileSync(join(spoolDir, name)))),
    client(entities: EntityTypes) {
      const syncproof = createSyncproof({
        service: 'test',
        url: collector.url,
        fingerprintKey: 'k',
        spoolDir,
        entities,
        onWarning: ({ message }) => warned.push(message),
      })
      closing.push(() => syncproof.shutdown())
      return syncproof
    },
    async close() {
      for (const close of closing.splice(0).reverse()) await close()
    },
  }
}

export type PersonalWorld = Awaited<ReturnType<typeof openPersonalWorld>>

export const DECLARED: EntityTypes = {
  candidate: {
    entityId: 'hashed',
    table: 'candidates',
    key: 'id',
    invariants: { isNamed: (row) => row.name !== 'Nobody' },
  },
  job: { table: 'jobs', key: 'id' },
}
