import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { observe, type PostgresTable, postgresTable } from '../src/pg/index.ts'
import { lostFields } from './lost-fields.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

const TABLES = `
  CREATE TABLE candidates (id text PRIMARY KEY, name text, score int);
  CREATE TABLE counters (n int);
  INSERT INTO counters VALUES (1);
  CREATE VIEW "listed" AS SELECT * FROM candidates;
  CREATE SCHEMA app;
  CREATE VIEW app.everyone AS SELECT * FROM candidates;
  CREATE TABLE years (id text PRIMARY KEY, score int) PARTITION BY LIST (id);
  CREATE TABLE year_2026 PARTITION OF years DEFAULT;
  INSERT INTO candidates VALUES ('c1', 'Ann', 1);
  INSERT INTO years VALUES ('c1', 1)`

interface Candidate {
  id: string
  name: string
  score: number
}

describe('a row that is seen under another name than its table’s', () => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof
  let pool: pg.Pool
  let others: pg.Pool
  let candidates: PostgresTable<Candidate>
  let listed: PostgresTable<Candidate>

  beforeEach(async () => {
    database = await openPostgres()
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
    await database.pool.query(TABLES)
    pool = observe(database.pool)
    others = new pg.Pool({ connectionString: database.url })
    candidates = postgresTable<Candidate>(database.pool, 'candidates', { key: 'id' })
    listed = postgresTable<Candidate>(database.pool, 'listed', { key: 'id' })
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
    await others.end()
    await database.close()
  })

  /** Reads the row, lets another change it, sees that change in one more way, and writes what it computed from it.
   *  @returns what is proven lost */
  async function lostAfter(look: () => Promise<unknown>, table = 'candidates') {
    const add = syncproof.wrap(
      async (id: string) => {
        await pool.query(`SELECT * FROM ${table} WHERE id = $1`, [id])
        await others.query(`UPDATE ${table} SET score = score + 10 WHERE id = $1`, [id])
        await look()
        await pool.query(`UPDATE ${table} SET score = $2 WHERE id = $1`, [id, 18])
      },
      { entity: (id) => ({ type: table, id }) },
    )
    await add('c1')
    await syncproof.flush()
    return [...lostFields(server).values()].flat()
  }

  it('is proven lost where the change was not seen at all', async () => {
    expect(await lostAfter(() => pool.query('SELECT n FROM counters'))).toEqual(['score'])
  })

  it.each([
    ['a view', `SELECT * FROM listed WHERE id = 'c1'`],
    ['a view without its key', 'SELECT score FROM listed'],
    ['a view of another schema', 'SELECT score FROM app.everyone'],
    ['a view in a join', 'SELECT score FROM counters JOIN listed ON true'],
    ['a view in a subquery', 'SELECT n, (SELECT score FROM listed) FROM counters'],
    ['a view in what a write returns', 'UPDATE counters SET n = 2 RETURNING (SELECT score FROM listed)'],
    ['a view in what a write takes', 'INSERT INTO counters SELECT score FROM listed RETURNING n'],
    ['a view that is written', `UPDATE listed SET name = 'Bea' WHERE id = 'c1' RETURNING score`],
    ['a view under the name of a WITH', 'WITH l AS (SELECT * FROM listed) SELECT score FROM l'],
  ])('is not proven lost where the change was seen through %s', async (_, sql) => {
    expect(await lostAfter(() => pool.query(sql))).toEqual([])
  })

  it('is not proven lost where the change was seen through the table that it is a partition of', async () => {
    expect(await lostAfter(() => pool.query('SELECT score FROM years'), 'year_2026')).toEqual([])
  })

  it('is not proven lost where the change was seen in a transaction, through a view first met there', async () => {
    const look = async () => {
      const client = await pool.connect()
      await client.query('BEGIN')
      await client.query('SELECT score FROM counters JOIN listed ON true')
      await client.query('COMMIT')
      client.release()
    }
    expect(await lostAfter(look)).toEqual([])
  })

  it('is not proven lost where the helper of a view read or changed it', async () => {
    const where = { id: 'c1' }
    const look = [
      () => listed.findUnique({ where }),
      () => listed.update({ where, data: { name: 'Bea' } }),
      () => listed.transaction((inside) => inside.findUnique({ where })),
    ]
    for (const one of look) {
      const add = syncproof.wrap(
        async (id: string) => {
          await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
          await others.query('UPDATE candidates SET score = score + 10 WHERE id = $1', [id])
          await one()
          const data = { score: 7_007 }
          await syncproof.write('db', data, () => candidates.update({ where: { id }, data }))
        },
        { entity: (id) => ({ type: 'candidate', id }) },
      )
      await add('c1')
    }
    await syncproof.flush()
    expect(server.ofKind('write').filter(({ outcome }) => outcome === 'ok')).toHaveLength(3)
    expect([...lostFields(server).values()]).toEqual([])
  })
})
