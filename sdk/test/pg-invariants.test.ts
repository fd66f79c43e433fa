import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { type PostgresTable, postgresTable } from '../src/pg/index.ts'
import { type AppDatabase, eachDatabase } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

interface Candidate {
  id: string
  status: string
  email: string | null
}

eachDatabase('an invariant over the row that is written', (open) => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof
  let candidates: PostgresTable<Candidate>

  beforeAll(async () => {
    database = await open()
    await database.pool.query('CREATE TABLE candidates (id text PRIMARY KEY, status text, email text)')
  })
  afterAll(() => database.close())
  beforeEach(async () => {
    server = await recordingServer()
    syncproof = createSyncproof({
      service: 'test',
      url: server.url,
      fingerprintKey: 'k',
      entities: {
        candidate: { invariants: { hiredHasEmail: (c) => c.status !== 'hired' || c.email !== null } },
      },
    })
    candidates = postgresTable<Candidate>(database.pool, 'candidates', { key: 'id' })
    await database.pool.query(`TRUNCATE candidates; INSERT INTO candidates VALUES ('c1', 'new', null)`)
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
  })

  const update = (table: PostgresTable<Candidate>, data: Partial<Candidate>) =>
    syncproof.write('db', {}, () => table.update({ where: { id: 'c1' }, data }))
  async function broken(body: () => Promise<unknown>) {
    await syncproof
      .wrap((_id: string) => body(), { entity: (id) => ({ type: 'candidate', id }) })('c1')
      .catch(() => {})
    await syncproof.flush()
    return server.ofKind('invariant_violated').map(({ name, entity, system }) => ({ name, entity, system }))
  }
  const found = { name: 'hiredHasEmail', entity: { type: 'candidate', id: 'c1' }, system: 'db' }

  it('is judged by the whole row, of which the write set a part', async () => {
    expect(await broken(() => update(candidates, { status: 'hired' }))).toEqual([found])
  })

  it('is told when the transaction is committed', async () => {
    const hire = () => candidates.transaction((table) => update(table, { status: 'hired' }))
    expect(await broken(hire)).toEqual([found])
  })

  it('is not told of what a transaction held for a moment', async () => {
    const hire = () =>
      candidates.transaction(async (table) => {
        await update(table, { status: 'hired' })
        await update(table, { email: 'ann@x.org' })
      })
    expect(await broken(hire)).toEqual([])
  })

  it('is not told of what was rolled back', async () => {
    const hire = () =>
      candidates.transaction(async (table) => {
        await update(table, { status: 'hired' })
        throw new Error('no')
      })
    expect(await broken(hire)).toEqual([])
  })
})
