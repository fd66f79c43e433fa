import { CamelCasePlugin, type Generated, Kysely, sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { ObservedPostgresDialect } from '../src/kysely/index.ts'
import { lostFields } from './lost-fields.ts'
import { type AppDatabase, eachDatabase } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

interface Candidate {
  id: string
  name: string | null
  stage: string
  tags: Generated<string[]>
  score: Generated<number>
  updatedAt: Date | null
}

interface Tables {
  candidates: Candidate
}

type Updates = Partial<Omit<Candidate, 'id' | 'tags' | 'score'>> & { score?: number }

const TABLE = `CREATE TABLE candidates (id text PRIMARY KEY, name text, stage text, tags jsonb NOT NULL DEFAULT '[]',
  score int NOT NULL DEFAULT 0, updated_at timestamptz)`

eachDatabase('the Kysely adapter', (open) => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof
  let db: Kysely<Tables>

  beforeAll(async () => {
    database = await open()
    await database.pool.query(TABLE)
    db = new Kysely<Tables>({
      dialect: new ObservedPostgresDialect({ pool: database.pool }, { fieldOf: camelCase }),
      plugins: [new CamelCasePlugin()],
    })
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
    await database.pool.query('TRUNCATE candidates')
    await database.pool.query(
      `INSERT INTO candidates VALUES ('c1', 'Ann', 'new', '["a"]', 1, now()), ('c2', 'Bob', 'new', '[]', 2, now())`,
    )
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
  })

  const entity = (id: string) => ({ type: 'candidate', id })
  const byId = (id: string) => db.selectFrom('candidates').selectAll().where('id', '=', id)

  it('the function of the seed needs no mark: its read and its write are told with versions', async () => {
    const sync = syncproof.wrap(
      async function syncCandidate(candidateId: string, updates: Updates) {
        const existing = await byId(candidateId).executeTakeFirstOrThrow()
        const { tags, ...merged } = { ...existing, ...updates, updatedAt: new Date() }
        await db.updateTable('candidates').set(merged).where('id', '=', candidateId).execute()
        return merged
      },
      { entity },
    )
    expect(await sync('c1', { stage: 'hired' })).toMatchObject({ id: 'c1', name: 'Ann', stage: 'hired' })
    await syncproof.flush()
    const [read] = server.ofKind('read')
    const [write] = server.ofKind('write')
    expect(server.events().map((event) => event.kind)).toEqual([
      'operation_started',
      'read',
      'write',
      'operation_finished',
    ])
    expect(read).toMatchObject({ system: 'db', entity: { type: 'candidate', id: 'c1' }, found: true })
    expect(Object.keys(read?.fields ?? {})).toEqual(['id', 'name', 'stage', 'tags', 'score', 'updatedAt'])
    expect(write).toMatchObject({
      system: 'db',
      action: 'update',
      base_version: read?.version,
      overwritten_version: read?.version,
      known_versions: [read?.version],
      overwritten_by_self: false,
      base_fields: read?.fields,
      overwritten_fields: read?.fields,
      assigned: {
        id: 'supplied',
        name: 'value',
        stage: 'supplied',
        score: 'value',
        updatedAt: 'last_write_wins',
      },
      transaction: 'none',
      guard: 'none',
      outcome: 'ok',
    })
    expect(write?.version).not.toBe(read?.version)
  })

  it('of two calls at once, the one that overwrites the other says so', async () => {
    let read = 0
    const both = Promise.withResolvers<void>()
    const sync = syncproof.wrap(
      async function syncCandidate(candidateId: string, updates: Updates) {
        const { tags, ...existing } = await byId(candidateId).executeTakeFirstOrThrow()
        read += 1
        if (read === 2) both.resolve()
        await both.promise
        const merged = { ...existing, ...updates }
        await db.updateTable('candidates').set(merged).where('id', '=', candidateId).execute()
      },
      { entity },
    )
    await Promise.all([sync('c1', { stage: 'hired' }), sync('c1', { name: 'Anna' })])
    await syncproof.flush()
    const writes = server.ofKind('write')
    const first = writes.find((write) => write.overwritten_version === write.base_version)
    const second = writes.find((write) => write !== first)
    expect(second).toMatchObject({ overwritten_version: first?.version, overwritten_by_self: false })
    expect(second?.known_versions).toEqual([first?.base_version])
    // what the other had set is put back to what was read before it
    const lost = first?.assigned.stage === 'supplied' ? 'stage' : 'name'
    expect([...lostFields(server)]).toEqual([[second?.operation_id, [lost]]])
  })

  it('the app gets what it gets without it', async () => {
    const all = async () => ({
      row: await byId('c1').executeTakeFirst(),
      none: await byId('nobody').executeTakeFirst(),
      updated: await db.updateTable('candidates').set({ score: 7 }).where('id', '=', 'c1').executeTakeFirst(),
      missed: await db.updateTable('candidates').set({ score: 7 }).where('id', '=', 'x').executeTakeFirst(),
      returned: await db
        .updateTable('candidates')
        .set({ score: 8 })
        .where('id', '=', 'c1')
        .returning(['score as points', 'name'])
        .execute(),
      inserted: await db
        .insertInto('candidates')
        .values({ id: 'c9', stage: 'new' } as never)
        .execute(),
      deleted: await db.deleteFrom('candidates').where('id', '=', 'c9').executeTakeFirst(),
      counted: await db.selectFrom('candidates').select(db.fn.countAll().as('n')).execute(),
      raw: await sql`select 1 as one`.execute(db),
      many: await db.updateTable('candidates').set({ score: 1 }).execute(),
    })
    const plain = await all()
    const observed = await syncproof.wrap((_id: string) => all(), { entity })('c1')
    expect({ ...observed, row: undefined }).toEqual({ ...plain, row: undefined })
    expect(Object.keys(observed.row ?? {})).toEqual(Object.keys(plain.row ?? {}))
    expect(observed.updated.numUpdatedRows).toBe(1n)
    const refused = (id: string) =>
      db
        .insertInto('candidates')
        .values({ id, stage: 'new' } as never)
        .execute()
    await expect(syncproof.wrap(refused, { entity })('c1')).rejects.toMatchObject({ code: '23505' })
  })

  it('what a transaction wrote is told with its outcome, and what a savepoint undid is rejected', async () => {
    const set = (on: Kysely<Tables>, values: Updates) =>
      on.updateTable('candidates').set(values).where('id', '=', 'c1').execute()
    await syncproof.wrap(
      (_id: string) =>
        db
          .transaction()
          .setIsolationLevel('repeatable read')
          .execute((trx) => set(trx, { score: 5 })),
      { entity },
    )('c1')
    await syncproof.wrap(
      async (_id: string) => {
        await db
          .transaction()
          .execute(async (trx) => {
            await set(trx, { score: 6 })
            throw new Error('no')
          })
          .catch(() => {})
        const trx = await db.startTransaction().execute()
        await set(trx, { score: 7 })
        const inner = await trx.savepoint('here').execute()
        await set(inner, { name: 'undone' })
        const outer = await inner.rollbackToSavepoint('here').execute()
        await set(outer, { stage: 'kept' })
        await outer.commit().execute()
      },
      { entity },
    )('c1')
    await syncproof.flush()
    const outcomes = server
      .ofKind('write')
      .map((write) => [Object.keys(write.assigned).join(), write.outcome].join(' '))
    expect(outcomes.sort()).toEqual(['name rejected', 'score ok', 'score ok', 'score rejected', 'stage ok'])
    expect(
      server.ofKind('transaction_finished').map(({ outcome, isolation }) => [outcome, isolation]),
    ).toEqual([
      ['ok', 'repeatable read'],
      ['rejected', 'read committed'],
      ['ok', 'read committed'],
    ])
  })

  it('a locking read in a transaction guards the write', async () => {
    await syncproof.wrap(
      (id: string) =>
        db.transaction().execute(async (trx) => {
          const row = await trx
            .selectFrom('candidates')
            .select(['id', 'score'])
            .where('id', '=', id)
            .forUpdate()
            .executeTakeFirstOrThrow()
          await trx
            .updateTable('candidates')
            .set({ score: row.score + 1 })
            .where('id', '=', id)
            .execute()
        }),
      { entity },
    )('c1')
    await syncproof.flush()
    expect(server.ofKind('read')).toMatchObject([{ lock: { mode: 'FOR UPDATE', in_transaction: true } }])
    expect(server.ofKind('write')).toMatchObject([{ guard: 'lock', outcome: 'ok' }])
  })

  it('a row of another entity is told as one', async () => {
    await syncproof.wrap(
      async (_id: string) => {
        await byId('c2').executeTakeFirst()
      },
      { entity },
    )('c1')
    await syncproof.flush()
    expect(server.ofKind('read')).toMatchObject([{ entity: { type: 'candidates', id: 'c2' } }])
  })
})

function camelCase(column: string): string {
  return column.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
