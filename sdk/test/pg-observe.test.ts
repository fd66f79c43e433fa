import type { WriteEvent } from '@syncproof/core/contract'
import { detectOperation } from '@syncproof/core/detection'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { observe } from '../src/pg/index.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

interface Candidate {
  id: string
  name: string
  stage: string
  updatedAt: Date
}

const TABLES = `
  CREATE TABLE candidates (id text PRIMARY KEY, name text, stage text, score int, version int DEFAULT 1, tags jsonb, "updatedAt" timestamptz);
  CREATE TABLE notes (id int PRIMARY KEY, candidate_id text REFERENCES candidates, body text);
  INSERT INTO candidates (id, name, stage, score) SELECT 'c' || n, 'Ann', 'new', 1 FROM generate_series(1, 5) AS n`

describe('an observed pool', () => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof
  let pool: pg.Pool

  beforeEach(async () => {
    database = await openPostgres()
    server = await recordingServer()
    syncproof = createSyncproof({
      service: 'test',
      url: server.url,
      fingerprintKey: 'k',
      entities: { candidate: { table: 'candidates', key: 'id' } },
    })
    await database.pool.query(TABLES)
    pool = observe(database.pool)
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
    await database.close()
  })

  const entity = (id: string) => ({ type: 'candidate', id })
  const events = async () => {
    await syncproof.flush()
    return server.events()
  }
  const writes = async () => {
    await syncproof.flush()
    return server.ofKind('write')
  }
  /** A function that runs on a connection of the pool, wrapped. */
  const onClient = (run: (client: pg.PoolClient, id: string) => Promise<void>) =>
    syncproof.wrap(
      async (id: string) => {
        const client = await pool.connect()
        try {
          await run(client, id)
        } finally {
          client.release()
        }
      },
      { entity, input: (id) => id },
    )

  const provenOf = (write: WriteEvent | undefined) => {
    const all = server
      .events()
      .filter((event) => 'operation_id' in event && event.operation_id === write?.operation_id)
    const process = server.requests[0]?.batch.process
    if (!write || !process) return []
    const { findings } = detectOperation({
      operationId: write.operation_id,
      process,
      events: all.map((event) => ({ ...event, process_id: process.id })),
      complete: true,
      family: [],
    })
    return findings.filter(({ kind }) => kind === 'lost-update').flatMap(({ fields }) => fields)
  }

  it('makes the marks of the seed’s function by itself, and its lost update is proven', async () => {
    const met = barrier(2)
    async function syncCandidate(candidateId: string, updates: Partial<Candidate>) {
      const { rows } = await pool.query('SELECT * FROM candidates WHERE id = $1', [candidateId])
      await met()
      const merged = { ...rows[0], ...updates, updatedAt: new Date() }
      await pool.query('UPDATE candidates SET name = $2, stage = $3, "updatedAt" = $4 WHERE id = $1', [
        candidateId,
        merged.name,
        merged.stage,
        merged.updatedAt,
      ])
      return merged
    }
    const sync = syncproof.wrap(syncCandidate, { entity })
    await Promise.all([sync('c1', { name: 'Bea' }), sync('c1', { stage: 'hired' })])
    const seen = await writes()
    expect(seen).toHaveLength(2)
    expect(server.ofKind('read')).toHaveLength(2)
    const foreign = seen.filter(
      ({ overwritten_version: version = '', known_versions }) => !known_versions.includes(version),
    )
    expect(foreign).toHaveLength(1)
    const [write] = foreign
    expect(write).toMatchObject({
      system: 'db',
      entity: { type: 'candidate', id: 'c1' },
      action: 'update',
      overwritten_by_self: false,
      transaction: 'none',
      outcome: 'ok',
      guard: 'none',
    })
    expect(provenOf(write)).toEqual(write?.assigned.name === 'supplied' ? ['stage'] : ['name'])
  })

  it('reads transactions from their statements, and tells each write’s final fate', async () => {
    const run = onClient(async (client, id) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ')
      await client.query('SELECT name FROM candidates WHERE id = $1 FOR UPDATE', [id])
      await client.query(`UPDATE candidates SET stage = 'a', score = score + 1 WHERE id = $1`, [id])
      await client.query('SAVEPOINT s')
      await client.query(`UPDATE candidates SET name = 'undone' WHERE id = $1`, [id])
      await client.query('ROLLBACK TO s')
      await client.query('COMMIT')
    })
    await run('c1')
    const seen = await writes()
    expect(seen.map(({ outcome, guard }) => [outcome, guard])).toEqual([
      ['rejected', 'lock'],
      ['ok', 'lock'],
    ])
    expect(seen[1]?.assigned).toEqual({ stage: 'value', score: 'expression' })
    const [end] = server.ofKind('transaction_finished')
    expect(end).toMatchObject({
      isolation: 'repeatable read',
      outcome: 'ok',
      transaction: seen[0]?.transaction,
    })
    expect(server.ofKind('read')).toMatchObject([{ lock: { mode: 'FOR UPDATE', in_transaction: true } }])
    expect(Object.keys(server.ofKind('read')[0]?.fields ?? {})).toEqual(['name'])
  })

  it('a COMMIT that the server answers with ROLLBACK rejects what was written', async () => {
    const run = onClient(async (client, id) => {
      await client.query('BEGIN')
      await client.query(`UPDATE candidates SET stage = 'b' WHERE id = $1`, [id])
      await client.query('SELECT 1 / 0').catch(() => {})
      expect((await client.query('COMMIT')).command).toBe('ROLLBACK')
    })
    await run('c1')
    expect(await writes()).toMatchObject([{ outcome: 'rejected' }])
    expect(server.ofKind('transaction_finished')).toMatchObject([{ outcome: 'rejected' }])
  })

  it('a lost connection rejects what was not committed', async () => {
    const run = onClient(async (client, id) => {
      client.on('error', () => {})
      await client.query('BEGIN')
      await client.query(`UPDATE candidates SET stage = 'b' WHERE id = $1`, [id])
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid')
      await database.pool.query('SELECT pg_terminate_backend($1)', [rows[0].pid])
      await vi.waitFor(async () => expect(await writes()).toMatchObject([{ outcome: 'rejected' }]))
    })
    await run('c1')
  })

  it('in a transaction that began where nobody observed, the fate of a write is unknown', async () => {
    const client = await pool.connect()
    await client.query('BEGIN')
    await syncproof.wrap(
      async (id: string) => {
        await client.query(`UPDATE candidates SET stage = 'b' WHERE id = $1`, [id])
      },
      { entity },
    )('c1')
    await client.query('ROLLBACK')
    client.release()
    const [write] = await writes()
    expect(write?.outcome).toBe('unknown')
    expect(write?.transaction).toBeUndefined()
  })

  it('creates, upserts, deletes and misses say what they replaced, and nothing is guessed', async () => {
    await syncproof.wrap(
      async (id: string) => {
        await pool.query('INSERT INTO candidates (id, tags) VALUES ($1, $2)', [id, '["x"]'])
        await pool.query('INSERT INTO candidates (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET score = 7', [
          id,
        ])
        await pool.query('INSERT INTO candidates (id) VALUES ($1) ON CONFLICT DO NOTHING', [id])
        await pool.query('DELETE FROM candidates WHERE id = $1', [id])
        await pool.query('DELETE FROM candidates WHERE id = $1', [id])
        await pool.query(`UPDATE candidates SET stage = 'all'`)
        await pool.query(`UPDATE candidates SET stage = 'two' WHERE id IN ('c1', 'c2')`)
        await pool.query('UPDATE candidates SET version = version + 1 WHERE id = $1 AND version = $2', [
          'c3',
          1,
        ])
      },
      { entity },
    )('c9')
    const [created, upserted, nothing, deleted, missed, all, ...rest] = await writes()
    expect(created).toMatchObject({ action: 'create', overwritten_version: 'none', outcome: 'ok' })
    expect(created?.assigned.tags).not.toBe('unknown')
    expect(upserted).toMatchObject({ action: 'upsert', outcome: 'ok' })
    expect(upserted?.overwritten_version).toBeUndefined()
    expect(nothing).toMatchObject({ action: 'create', outcome: 'rejected' })
    expect(deleted).toMatchObject({ action: 'delete', overwritten_version: upserted?.version, outcome: 'ok' })
    expect(missed).toMatchObject({ action: 'delete', outcome: 'rejected', entity: entity('c9') })
    expect(all).toMatchObject({ rows_over_limit: 5, entity: entity('c9') })
    expect(rest.map((write) => [write.entity.id, write.guard])).toEqual([
      ['c1', 'none'],
      ['c2', 'none'],
      ['c3', 'version'],
    ])
  })

  it('after a statement that cannot be read, nothing is claimed of the versions that were known', async () => {
    await syncproof.wrap(
      async (id: string) => {
        await pool.query('SELECT * FROM candidates WHERE id = $1', [id])
        await pool.query('SELECT * FROM candidates c JOIN notes n ON n.candidate_id = c.id')
        await pool.query(`UPDATE candidates SET stage = 'a' WHERE id = $1`, [id])
        await pool.query('SELECT * FROM candidates WHERE id = $1', [id])
        await pool.query(`UPDATE candidates SET stage = 'b' WHERE id = $1`, [id])
      },
      { entity },
    )('c1')
    expect((await writes()).map((write) => write.known_incomplete)).toEqual([true, undefined])
  })

  it('goes on when a table gets and loses columns, and when prepared statements are thrown away', async () => {
    await onClient(async (client, id) => {
      const update = async () => {
        const { rowCount } = await client.query('UPDATE candidates SET stage = $1 WHERE id = $2', ['s', id])
        expect(rowCount).toBe(1)
      }
      await update()
      await database.pool.query('ALTER TABLE candidates ADD COLUMN extra int DEFAULT 1')
      await update()
      await client.query('DEALLOCATE ALL')
      await update()
      await database.pool.query('ALTER TABLE candidates DROP COLUMN extra')
      await client.query('BEGIN')
      await update()
      await client.query('COMMIT')
      await update()
      const { rows } = await client.query('SELECT count(*)::int AS ours FROM pg_prepared_statements')
      expect(rows[0].ours).toBeGreaterThan(0)
    })('c1')
    const seen = await writes()
    expect(seen.map((write) => write.outcome)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
    expect(seen.map(({ fields }) => Object.keys(fields).includes('extra'))).toEqual([
      false,
      true,
      true,
      false,
      false,
    ])
    for (const [before, after] of pairs(seen)) {
      expect(after.overwritten_version).toBe(before.version)
      expect(Object.keys(after.overwritten_fields ?? {})).toEqual(Object.keys(after.fields))
    }
  })

  it('inside a mark it fills the mark, and outside a wrapped call it only calls through', async () => {
    await pool.query(`UPDATE candidates SET stage = 'x' WHERE id = 'c1'`)
    await syncproof.wrap(
      async (id: string) => {
        await syncproof.write('crm', {}, () =>
          pool.query(`UPDATE candidates SET stage = 'y' WHERE id = $1`, [id]),
        )
      },
      { entity },
    )('c1')
    expect((await events()).filter(({ kind }) => kind === 'write')).toMatchObject([{ system: 'crm' }])
  })

  it('takes no lock that blocks the insert of a row that refers to the one written', async () => {
    const hold = onClient(async (client, id) => {
      await client.query('BEGIN')
      await client.query(`UPDATE candidates SET stage = 'held' WHERE id = $1`, [id])
      const child = new pg.Client({ connectionString: database.url })
      await child.connect()
      await child.query(`SET lock_timeout = '2s'`)
      await child.query(`INSERT INTO notes VALUES (7, 'c1', 'while the row is held')`)
      await child.end()
      await client.query('COMMIT')
    })
    await hold('c1')
    expect(await writes()).toMatchObject([{ outcome: 'ok' }])
  })

  it('names the version that an update waited for', async () => {
    const other = new pg.Client({ connectionString: database.url })
    await other.connect()
    await other.query('BEGIN')
    const { rows } = await other.query(
      `UPDATE candidates SET name = 'Other' WHERE id = 'c1' RETURNING xmin::text`,
    )
    const run = onClient(async (client, id) => {
      await client.query(`UPDATE candidates SET stage = 'mine' WHERE id = $1`, [id])
    })('c1')
    await vi.waitFor(async () => {
      expect((await other.query('SELECT FROM pg_locks WHERE NOT granted')).rows).toHaveLength(1)
    })
    await other.query('COMMIT')
    await other.end()
    await run
    const [write] = await writes()
    expect(write?.overwritten_version).toMatch(new RegExp(`/${rows[0].xmin}$`))
    expect(write?.overwritten_by_self).toBe(false)
  })
})

function pairs<T>(all: readonly T[]): [T, T][] {
  return all.slice(1).map((after, index) => [all[index] as T, after])
}

/** Resolves for all when the last of `count` has come. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let missing = count
  return () => {
    missing -= 1
    if (missing === 0) resolve()
    return promise
  }
}
