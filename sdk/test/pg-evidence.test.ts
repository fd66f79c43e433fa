import { parseToken } from '@syncproof/core/contract'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { type PostgresTable, postgresTable } from '../src/pg/index.ts'
import { type AppDatabase, eachDatabase } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

interface Candidate {
  id: string
  name: string
  stage: string
  tags: string[]
  score: number
  updatedAt: Date
}

const TABLE = `CREATE TABLE IF NOT EXISTS candidates (id text PRIMARY KEY, name text, stage text, tags jsonb DEFAULT '[]', score int, "updatedAt" timestamptz)`

eachDatabase('evidence of the PostgreSQL helper', (open) => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof
  let candidates: PostgresTable<Candidate>

  beforeAll(async () => {
    database = await open()
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
    candidates = postgresTable<Candidate>(database.pool, 'candidates', { key: 'id' })
    await database.pool.query(`${TABLE}; DROP TRIGGER IF EXISTS shout ON candidates; TRUNCATE candidates`)
    await database.pool.query(`INSERT INTO candidates VALUES ('c1', 'Ann', 'new', '["a"]', 1, now())`)
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
  })

  const entity = (id: string) => ({ type: 'candidate', id })

  it('the function of the seed runs unchanged, and its write names what it read, replaced and made', async () => {
    const sync = syncproof.wrap(
      async function syncCandidate(candidateId: string, updates: Partial<Candidate>) {
        const existing = await syncproof.read('db', () =>
          candidates.findUnique({ where: { id: candidateId } }),
        )
        const merged = { ...existing, ...updates, updatedAt: new Date() }
        await syncproof.write('db', merged, () =>
          candidates.update({ where: { id: candidateId }, data: merged }),
        )
        await syncproof.sync('ats', merged, async () => {})
        return merged
      },
      { entity, syncs: ['ats'] },
    )
    const merged = await sync('c1', { stage: 'hired' })
    expect(merged).toMatchObject({ id: 'c1', name: 'Ann', stage: 'hired', tags: ['a'], score: 1 })
    await syncproof.flush()

    const [read] = server.ofKind('read')
    const [write] = server.ofKind('write')
    const [sent] = server.ofKind('sync')
    expect(server.events().map((event) => event.kind)).toEqual([
      'operation_started',
      'read',
      'write',
      'sync',
      'operation_finished',
    ])
    expect(read?.version && parseToken(read.version)).toMatchObject({ kind: 'xmin', key: 'c1' })
    expect(Object.keys(read?.fields ?? {})).toEqual(['id', 'name', 'stage', 'tags', 'score', 'updatedAt'])
    expect(write).toMatchObject({
      base_version: read?.version,
      overwritten_version: read?.version,
      known_versions: [read?.version],
      overwritten_by_self: false,
      action: 'update',
      guard: 'none',
      transaction: 'none',
      outcome: 'ok',
      base_fields: read?.fields,
      overwritten_fields: read?.fields,
      assigned: {
        id: 'supplied',
        name: 'value',
        stage: 'supplied',
        tags: 'value',
        score: 'value',
        updatedAt: 'last_write_wins',
      },
    })
    expect(write?.version).not.toBe(read?.version)
    expect(write?.fields.stage).not.toBe(read?.fields.stage)
    expect(sent).toMatchObject({ version: write?.version, fields: write?.fields, outcome: 'ok', attempt: 1 })
  })

  it('a value that a trigger changed is not taken for the one that the app assigned', async () => {
    await database.pool.query(
      `CREATE OR REPLACE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$`,
    )
    await database.pool.query(
      'CREATE TRIGGER shout BEFORE UPDATE ON candidates FOR EACH ROW EXECUTE FUNCTION shout()',
    )
    await syncproof.wrap(
      (id: string) =>
        syncproof.write('db', {}, () =>
          candidates.update({ where: { id }, data: { name: 'Bob', score: 7 } }),
        ),
      { entity },
    )('c1')
    await syncproof.flush()
    expect(server.ofKind('write')[0]?.assigned).toEqual({ name: 'unknown', score: 'value' })
  })

  it('the second own write knows the version that the first one made', async () => {
    await syncproof.wrap(
      async (id: string) => {
        const row = await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
        await syncproof.write('db', row, () =>
          candidates.update({ where: { id }, data: { ...row, score: 2 } }),
        )
        // no mark: what it does must still be known
        await candidates.update({ where: { id }, data: { ...row, score: 3 } })
        await syncproof.write('db', row, () =>
          candidates.update({ where: { id }, data: { ...row, score: 4 } }),
        )
      },
      { entity },
    )('c1')
    await syncproof.flush()
    const [first, second] = server.ofKind('write')
    expect(second?.known_versions).toHaveLength(3)
    expect(second?.known_versions).toContain(first?.version)
    expect(second?.known_versions).toContain(second?.overwritten_version)
    expect(second?.base_version).toBe(second?.overwritten_version)
    expect(second?.known_incomplete).toBeUndefined()
  })

  it('writes in a transaction are reported with its outcome, then the transaction', async () => {
    const run = syncproof.wrap(
      (id: string, fails: boolean) =>
        candidates.transaction(
          async (table) => {
            const row = await syncproof.read('db', () =>
              table.findUnique({ where: { id }, lock: 'for update' }),
            )
            await syncproof.write('db', row, () =>
              table.update({ where: { id }, data: { ...row, score: 9 } }),
            )
            if (fails) throw new Error('no')
          },
          { isolation: 'repeatable read' },
        ),
      { entity },
    )
    await run('c1', false)
    await expect(run('c1', true)).rejects.toThrow('no')
    await syncproof.flush()
    const writes = server.ofKind('write')
    const ends = server.ofKind('transaction_finished')
    expect(writes.map(({ outcome, guard }) => [outcome, guard])).toEqual([
      ['ok', 'lock'],
      ['rejected', 'lock'],
    ])
    expect(ends.map(({ outcome, isolation }) => [outcome, isolation])).toEqual([
      ['ok', 'repeatable read'],
      ['rejected', 'repeatable read'],
    ])
    expect(writes.map((write) => write.transaction)).toEqual(ends.map((end) => end.transaction))
    expect(server.ofKind('read')[0]).toMatchObject({ lock: { mode: 'FOR UPDATE', in_transaction: true } })
    expect(await candidates.findUnique({ where: { id: 'c1' } })).toMatchObject({ score: 9 })
  })

  it('a write that a savepoint undid is rejected, and its sibling is not', async () => {
    await syncproof.wrap(
      (id: string) =>
        candidates.transaction(async (table) => {
          await syncproof.write('db', {}, () => table.update({ where: { id }, data: { score: 5 } }))
          await table
            .transaction(async (inner) => {
              await syncproof.write('db', {}, () => inner.update({ where: { id }, data: { score: 6 } }))
              throw new Error('undo')
            })
            .catch(() => {})
          await table.transaction(async (inner) => {
            await syncproof.write('db', {}, () => inner.update({ where: { id }, data: { name: 'Zoe' } }))
          })
          await syncproof.write('db', {}, () => table.update({ where: { id }, data: { stage: 'x' } }))
        }),
      { entity },
    )('c1')
    await syncproof.flush()
    const writes = server.ofKind('write')
    const byField = (field: string) => writes.filter((write) => field in write.assigned)
    expect(
      byField('score')
        .map((write) => write.outcome)
        .sort(),
    ).toEqual(['ok', 'rejected'])
    expect(byField('name')).toMatchObject([{ outcome: 'ok', overwritten_by_self: true }])
    // the version that the released savepoint made has a transaction id of its own
    expect(byField('stage')).toMatchObject([{ outcome: 'ok', overwritten_by_self: true }])
    expect(await candidates.findUnique({ where: { id: 'c1' } })).toMatchObject({
      score: 5,
      name: 'Zoe',
      stage: 'x',
    })
  })

  it('creates replace no row, deletes name the row that they took, and a miss is rejected', async () => {
    await syncproof.wrap(
      async (id: string) => {
        await syncproof.write('db', {}, () =>
          candidates.create({ data: { id, tags: ['x', 'y'], name: 'New' } }),
        )
        const gone = await syncproof.write('db', {}, () => candidates.delete({ where: { id } }))
        expect(gone).toMatchObject({ id, tags: ['x', 'y'] })
        expect(
          await syncproof.write('db', {}, () =>
            candidates.update({ where: { id }, data: { name: 'Ghost' } }),
          ),
        ).toBeNull()
      },
      { entity },
    )('c9')
    await syncproof.flush()
    const [created, deleted, missed] = server.ofKind('write')
    expect(created).toMatchObject({ action: 'create', overwritten_version: 'none', outcome: 'ok' })
    expect(deleted).toMatchObject({
      action: 'delete',
      overwritten_version: created?.version,
      known_versions: [created?.version],
      overwritten_by_self: false,
      outcome: 'ok',
    })
    expect(missed).toMatchObject({ action: 'update', outcome: 'rejected' })
    expect(missed?.overwritten_version).toBeUndefined()
  })

  it("PostgreSQL's own errors reach the app, and the write is rejected", async () => {
    const run = syncproof.wrap(
      (id: string) =>
        syncproof.write('db', {}, () => candidates.update({ where: { id }, data: { nope: 1 } as object })),
      { entity },
    )
    await expect(run('c1')).rejects.toMatchObject({
      code: '42703',
      message: expect.stringContaining('"nope"'),
    })
    const missing = postgresTable(database.pool, 'no_such_table', { key: 'id' })
    await expect(missing.findUnique({ where: { id: '1' } })).rejects.toMatchObject({ code: '42P01' })
    await syncproof.flush()
    expect(server.ofKind('write')).toMatchObject([{ outcome: 'rejected' }])
  })

  it('a condition beside the key guards the write, and nothing but the key names a row', async () => {
    const update = (where: object) => candidates.update({ where, data: { stage: 'z' } })
    expect(await update({ id: 'c1', score: 99 })).toBeNull()
    expect(await update({ id: 'c1', score: 1 })).toMatchObject({ stage: 'z' })
    await expect(update({ score: 1 })).rejects.toThrow('where must name the key `id`')
    await expect(update({ id: 'c1', score: undefined })).rejects.toThrow('where.score is undefined')
  })

  it('a swallowed error does not pass for a commit', async () => {
    const run = candidates.transaction(async (table) => {
      await table.update({ where: { id: 'c1' }, data: { score: 8 } })
      await table.create({ data: { id: 'c1' } }).catch(() => {})
    })
    await expect(run).rejects.toMatchObject({ name: 'TransactionRolledBackError' })
    expect(await candidates.findUnique({ where: { id: 'c1' } })).toMatchObject({ score: 1 })
  })
})
