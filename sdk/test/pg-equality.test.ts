import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { observe } from '../src/pg/index.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

const TABLES = `
  DROP TABLE IF EXISTS notes, candidates;
  CREATE TABLE candidates (id text PRIMARY KEY, name text NOT NULL, stage text DEFAULT 'new', score int CHECK (score >= 0),
    version int DEFAULT 1, tags jsonb, bytes bytea, big bigint, at timestamptz, "Mixed Case" text);
  CREATE TABLE notes (id int PRIMARY KEY, candidate_id text REFERENCES candidates, candidates text);
  INSERT INTO candidates SELECT 'c' || n, 'Ann', 'new', n, 1, '["a"]', '\\x01', 9007199254740993, '2026-01-01Z', 'é' FROM generate_series(1, 5) AS n;
  INSERT INTO notes VALUES (1, 'c1', 'a'), (2, 'c2', 'b')`

type Input = string | { text: string; values?: unknown[]; rowMode?: 'array'; name?: string }

/** Each is run on the rows that the ones before it left. */
const STATEMENTS: readonly (readonly [Input, unknown[]?])[] = [
  ['SELECT * FROM candidates WHERE id = $1', ['c1']],
  ['SELECT * FROM candidates WHERE id = $1 FOR UPDATE', ['c1']],
  [`SELECT name, name, name AS "ä", 'FROM' FROM candidates WHERE id = 'c1'`],
  [{ text: 'SELECT name, name FROM candidates WHERE id = $1', values: ['c1'], rowMode: 'array' }],
  ['SELECT count(*) FROM candidates WHERE id = $1', ['c1']],
  ['SELECT * FROM candidates WHERE id = $1', ['nobody']],
  ['SELECT FROM candidates WHERE id = $1', ['c1']],
  ['SELECT nope FROM candidates WHERE id = $1', ['c1']],
  ['/* é */ SELECT name, nope FROM candidates WHERE id = $1', ['c1']],
  ['SELECT * FROM no_such_table WHERE id = $1', ['c1']],
  ['UPDATE candidates SET name = $1 WHERE id = $2', ['Bea', 'c1']],
  [`UPDATE candidates SET name = 'Zoë', score = score + 1 WHERE id = 'c1'`],
  ['UPDATE candidates SET name = $1 WHERE id = $2 RETURNING *', ['Cid', 'c1']],
  ['UPDATE candidates AS c SET name = $1 WHERE c.id = $2 RETURNING id, *, c.name AS "n"', ['Dan', 'c1']],
  [
    {
      text: 'UPDATE candidates SET name = $1 WHERE id = $2 RETURNING *, 1',
      values: ['Eve', 'c1'],
      rowMode: 'array',
    },
  ],
  [
    {
      text: 'UPDATE candidates SET name = $1 WHERE id = $2 RETURNING name',
      values: ['Fay', 'c1'],
      name: 'named',
    },
  ],
  [
    {
      text: 'UPDATE candidates SET name = $1 WHERE id = $2 RETURNING name',
      values: ['Gus', 'c2'],
      name: 'named',
    },
  ],
  [{ text: 'UPDATE candidates SET name = $1 WHERE id = $2', values: ['Hal', 'c1'], rowMode: 'array' }],
  ['UPDATE candidates SET name = $1 WHERE id = $2 -- RETURNING *', ['Ida', 'c1']],
  ['UPDATE candidates SET name = $1 WHERE id = $2 AND version = $3', ['Jim', 'c1', 99]],
  [
    'UPDATE candidates SET name = $1, "Mixed Case" = $3 WHERE id = $2 AND (version = 1 OR stage = $1)',
    ['Kim', 'c1', 'x'],
  ],
  [
    'UPDATE candidates SET tags = $1, bytes = $2, at = $3 WHERE id = $4 RETURNING *',
    ['{"b":1}', Buffer.from('x'), new Date(0), 'c1'],
  ],
  ['UPDATE candidates SET id = $1 WHERE id = $2 RETURNING id', ['c10', 'c5']],
  ['UPDATE candidates SET name = $1 WHERE id IN ($2)', ['Lea', 'c3']],
  [
    'UPDATE candidates SET name = (SELECT candidates FROM notes WHERE id = 1) WHERE id = $1 RETURNING name',
    ['c1'],
  ],
  ['UPDATE candidates SET name = $1', ['Max']],
  ['UPDATE candidates SET name = NULL WHERE id = $1', ['c1']],
  ['UPDATE candidates SET score = -1 WHERE id = $1', ['c1']],
  ['UPDATE candidates SET nope = 1 WHERE id = $1', ['c1']],
  ['UPDATE candidates SET name = nope WHERE id = $1', ['c1']],
  ['UPDATE candidates SET name = $1 WHERE id = $2 AND nope = 1', ['x', 'c1']],
  ['UPDATE candidates SET name = $1 WHERE id = $2 RETURNING nope', ['x', 'c1']],
  ['UPDATE candidates SET score = $1 WHERE id = $2', ['not a number', 'c1']],
  ['UPDATE candidates SET name = $1 WHERE id = $2', ['too few']],
  ['UPDATE candidates SET name = 1 / 0 WHERE id = $1', ['c1']],
  ['UPDATE candidates SET id = $1 WHERE id = $2', ['c9', 'c1']],
  ['UPDATE candidates SET name = $1 WHERE id = $2', ['Ned', 'c1']],
  ['UPDATE notes SET candidates = $1 WHERE notes.id = $2 RETURNING *', ['z', 1]],
  ['UPDATE notes candidates SET candidates = $1 WHERE id = $2 RETURNING candidates', ['y', 1]],
  [`INSERT INTO candidates (id, name) VALUES ('n1', 'New')`],
  ['INSERT INTO candidates (id, name) VALUES ($1, $2) RETURNING id, stage', ['n2', 'New']],
  ['INSERT INTO candidates (id, name) VALUES ($1, $2), ($3, $2) RETURNING *', ['n3', 'New', 'n4']],
  ['INSERT INTO candidates (id, name) VALUES ($1, $2)', ['n1', 'Twice']],
  ['INSERT INTO candidates (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING', ['n1', 'Twice']],
  [
    'INSERT INTO candidates (id, name) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name RETURNING name',
    ['n1', 'Up'],
  ],
  ['INSERT INTO candidates (id) VALUES ($1)', ['n9']],
  ['INSERT INTO notes VALUES ($1, $2)', [9, 'nobody']],
  ['INSERT INTO candidates (id, name) SELECT $1, $2', ['n5', 'Query']],
  ['DELETE FROM candidates WHERE id = $1 RETURNING *', ['n1']],
  [`DELETE FROM candidates WHERE id = 'n2'`],
  ['DELETE FROM candidates WHERE id = $1', ['nobody']],
  ['DELETE FROM candidates WHERE id = $1', ['c1']],
  ['WITH d AS (DELETE FROM candidates WHERE id = $1 RETURNING id) SELECT * FROM d', ['n3']],
  ['SELECT 1 AS one; SELECT 2 AS two'],
  ['SELEC'],
]

describe('what an observed pool answers is what the pool answers', () => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof

  beforeAll(async () => {
    database = await openPostgres()
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
  })
  afterAll(async () => {
    await syncproof.shutdown()
    await server.close()
    await database.close()
  })

  type Run = (input: never, values?: unknown[]) => Promise<unknown>

  const answers = async (query: Run) => {
    await database.pool.query(TABLES)
    const all: unknown[] = []
    for (const [input, values] of STATEMENTS) {
      const given = typeof input === 'string' ? input : { ...input }
      all.push(await query(given as never, values).catch(factsOf))
    }
    const { rows } = await database.pool.query('SELECT * FROM candidates ORDER BY id')
    return { all, rows }
  }
  const wrapped = (run: () => Promise<unknown>) =>
    syncproof.wrap(run, { entity: () => ({ type: 'candidate', id: 'c1' }) })()

  it('one statement at a time, down to what the driver keeps in its results', async () => {
    const plain = await answers(database.pool.query.bind(database.pool))
    const pool = observe(database.pool)
    const observed = await answers((input, values) => wrapped(() => pool.query(input, values)))
    for (const [index, answer] of plain.all.entries())
      expect([STATEMENTS[index], withoutOids(observed.all[index])]).toStrictEqual([
        STATEMENTS[index],
        withoutOids(answer),
      ])
    expect(observed.rows).toEqual(plain.rows)
    await syncproof.flush()
    expect(server.ofKind('write').filter((write) => write.overwritten_version).length).toBeGreaterThan(15)
  })

  it('in a transaction, also the errors and the places that they name', async () => {
    const client = await database.pool.connect()
    const inSavepoint =
      (on: pg.ClientBase): Run =>
      async (input, values) => {
        await on.query('SAVEPOINT s')
        return (on.query as Run)(input, values).catch(async (error) => {
          await on.query('ROLLBACK TO s')
          throw error
        })
      }
    const inTransaction = async (on: pg.ClientBase) => {
      await database.pool.query(TABLES)
      await on.query('BEGIN')
      const all: unknown[] = []
      for (const [input, values] of STATEMENTS) {
        const given = typeof input === 'string' ? input : { ...input }
        all.push(await inSavepoint(on)(given as never, values).catch(factsOf))
      }
      await on.query('ROLLBACK')
      return all
    }
    const plain = await inTransaction(client)
    await client.query('DEALLOCATE ALL')
    let observed: unknown[] = []
    await wrapped(async () => {
      observed = await inTransaction(observe(client))
    })
    client.release(true)
    for (const [index, answer] of plain.entries())
      expect([STATEMENTS[index], withoutOids(observed[index])]).toStrictEqual([
        STATEMENTS[index],
        withoutOids(answer),
      ])
  })

  it('also to a callback, to a cursor, and in the order in which statements were sent', async () => {
    await database.pool.query(TABLES)
    const pool = observe(database.pool)
    await wrapped(async () => {
      const { promise, resolve } = Promise.withResolvers<unknown>()
      pool.query('UPDATE candidates SET name = $1 WHERE id = $2', ['Cal', 'c1'], (error, result) =>
        resolve(error ?? result.rowCount),
      )
      expect(await promise).toBe(1)
      const client = await pool.connect()
      const order: string[] = []
      const note = (name: string) => () => order.push(name)
      await Promise.all([
        client.query(`UPDATE candidates SET name = 'one' WHERE id = 'c2'`).then(note('update')),
        client
          .query(`SELECT name FROM candidates WHERE id = 'c2'`)
          .then(({ rows }) => order.push(rows[0].name)),
        client.query('SELECT 1').then(note('select')),
      ])
      expect(order).toEqual(['update', 'one', 'select'])
      const query = client.query(new pg.Query('SELECT 1 AS n'))
      await new Promise((done) => query.on('end', done))
      client.release()
    })
    expect(pool).toBeInstanceOf(pg.Pool)
    expect(pool.totalCount).toBe(database.pool.totalCount)
  })
})

/** What an app can see of an error of the database. */
function factsOf(error: Error) {
  const { stack: _, ...own } = Object.assign({ message: error.message }, error)
  return own
}

/** The tables are made anew for each run: their oids differ. */
function withoutOids(answer: unknown): unknown {
  const results = Array.isArray(answer) ? answer : [answer]
  return results.map((result) =>
    'fields' in result
      ? Object.assign(Object.create(Object.getPrototypeOf(result)), result, {
          fields: result.fields.map((field: object) => ({ ...field, tableID: 0 })),
        })
      : result,
  )
}
