import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { observe } from '../src/pg/index.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

/** A column of each type whose text needs quoting in a record, or that a driver reads into an object. */
const TABLE = `
  CREATE TYPE mood AS (word text, at timestamptz);
  CREATE TABLE candidates (id text PRIMARY KEY, gone int, empty text, nothing text, quoted text, lines text, tags jsonb, raw json,
    bytes bytea, list text[], numbers int[], amount numeric, big bigint, ratio float8, active bool, day date, at timestamptz,
    feeling mood, code char(5), "Mixed ""Case" text, spaced text);
  ALTER TABLE candidates DROP COLUMN gone;
  INSERT INTO candidates SELECT 'c' || n, '', NULL, 'say "no", (yes) \\ or''', E'a\\nb\\t', '{"a": ["b\\"c", null]}', '{ "x" : 1 }',
    '\\x0122', ARRAY['a,b', NULL, '"', '{}'], '{1,2}', 1.50, 9007199254740993, 0.1, true, '2026-01-01',
    '2026-01-01 01:02:03.456789+01', ROW('so, "so"', '2026-01-01Z')::mood, 'ab', 'é', ' x ' FROM generate_series(1, 3) AS n`

describe('the row that an observed update replaced', () => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof

  beforeEach(async () => {
    database = await openPostgres()
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
    await database.pool.query(TABLE)
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
    await database.close()
  })

  const writes = async () => {
    await syncproof.flush()
    return server.ofKind('write')
  }
  /** Runs on an observed connection of its own, in an operation on `c1`. */
  const onClient = async (config: pg.ClientConfig, run: (client: pg.Client) => Promise<void>) => {
    const client = new pg.Client({ connectionString: database.url, ...config })
    await client.connect()
    const observed = observe(client)
    await syncproof.wrap(() => run(observed), { entity: () => ({ type: 'candidate', id: 'c1' }) })()
    await client.end()
  }

  const READ = `SELECT * FROM candidates WHERE id = 'c1'`
  const UPDATE = `UPDATE candidates SET spaced = 'now' WHERE id = 'c1'`

  it('is told as a read of it tells it, whatever its types', async () => {
    await onClient({}, async (client) => {
      await client.query(READ)
      await client.query(UPDATE)
      await client.query('BEGIN')
      await client.query(READ)
      await client.query(`${UPDATE} RETURNING *`)
      await client.query('COMMIT')
    })
    const seen = await writes()
    expect(seen).toHaveLength(2)
    for (const write of seen) {
      expect(Object.keys(write.base_fields ?? {})).toHaveLength(20)
      expect(write.overwritten_fields).toEqual(write.base_fields)
      expect(write.overwritten_version).toBe(write.base_version)
      const { spaced: _, ...others } = write.fields
      expect(write.base_fields).toMatchObject(others)
    }
    expect(seen[0]?.fields.spaced).not.toBe(seen[0]?.base_fields?.spaced)
  })

  it('is not asked for where the driver reads binary values: the app gets its answers as they are', async () => {
    await onClient({ binary: true } as pg.ClientConfig, async (client) => {
      const { rows } = await client.query(`${UPDATE} RETURNING id, active, big`)
      expect(rows).toEqual([{ id: 'c1', active: true, big: '9007199254740993' }])
    })
    const [write] = await writes()
    expect(write).toMatchObject({ outcome: 'ok', entity: { id: 'c1' } })
    expect(write?.overwritten_version).toBeUndefined()
  })

  it('goes through the parsers that the app gave the driver, as a read does', async () => {
    const types = {
      getTypeParser: (oid: number) => (text: string) => (oid === 1700 ? { amount: text } : `${oid} ${text}`),
    }
    await onClient({ types: types as unknown as pg.CustomTypesConfig }, async (client) => {
      await client.query(READ)
      await client.query(UPDATE)
    })
    const [write] = await writes()
    expect(write?.overwritten_version).toBe(write?.base_version)
    expect(write?.overwritten_fields).toEqual(write?.base_fields)
  })

  for (const isolation of ['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']) {
    it(`is known to be the transaction’s own where a savepoint made it, ${isolation.toLowerCase()}`, async () => {
      await onClient({}, async (client) => {
        await client.query(`BEGIN ISOLATION LEVEL ${isolation}`)
        await client.query(`UPDATE candidates SET spaced = 'x' WHERE id = 'c2'`)
        await client.query('SAVEPOINT s')
        await client.query(UPDATE)
        await client.query('RELEASE s')
        await client.query(UPDATE)
        await client.query(UPDATE)
        await client.query('COMMIT')
      })
      expect((await writes()).map((write) => write.overwritten_by_self)).toEqual([false, false, true, true])
    })
  }

  it('is known to be another’s also where that one began later and ended first', async () => {
    await onClient({}, async (client) => {
      await client.query('BEGIN')
      await client.query(`UPDATE candidates SET spaced = 'x' WHERE id = 'c2'`)
      await database.pool.query(`UPDATE candidates SET spaced = 'other' WHERE id = 'c1'`)
      await client.query(UPDATE)
      await client.query('COMMIT')
    })
    expect((await writes()).map((write) => write.overwritten_by_self)).toEqual([false, false])
  })
})
