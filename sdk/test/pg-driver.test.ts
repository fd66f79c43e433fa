import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSyncproof, type Syncproof } from '../src/index.ts'
import { observe, postgresTable } from '../src/pg/index.ts'
import { type AppDatabase, openPostgres } from './pg-engines.ts'
import { type RecordingServer, recordingServer } from './recording-server.ts'

interface Candidate {
  id: string
  score: number
}

describe('node-postgres as apps use it', () => {
  let database: AppDatabase
  let server: RecordingServer
  let syncproof: Syncproof

  beforeEach(async () => {
    database = await openPostgres()
    server = await recordingServer()
    syncproof = createSyncproof({ service: 'test', url: server.url, fingerprintKey: 'k' })
    await database.pool.query('CREATE TABLE candidates (id text PRIMARY KEY, score int)')
    await database.pool.query(`INSERT INTO candidates VALUES ('c1', 1), ('c2', 1)`)
  })
  afterEach(async () => {
    await syncproof.shutdown()
    await server.close()
    await database.close()
  })

  const entity = (id: string) => ({ type: 'candidates', id })

  it('keeps what a callback does with the call that asked for a client, also where the pool was full', async () => {
    const pool = new pg.Pool({ connectionString: database.url, max: 1 })
    const observed = observe(pool)
    const held = await observed.connect()
    const giveBack = syncproof.wrap(
      async function giveBack(_: string) {
        held.release()
      },
      { entity },
    )
    const withCallback = syncproof.wrap(
      async function withCallback(id: string) {
        const { promise, resolve, reject } = Promise.withResolvers<void>()
        observed.connect((error, client, release) => {
          if (error || !client) return reject(error)
          client
            .query('UPDATE candidates SET score = 2 WHERE id = $1', [id])
            .then(() => syncproof.sync('ats', { score: 2 }, async () => {}))
            .then(() => resolve(), reject)
            .finally(() => release())
        })
        await promise
      },
      { entity, syncs: ['ats'] },
    )
    const waiting = withCallback('c2')
    await giveBack('c1')
    await waiting
    await syncproof.flush()
    const [started] = server.ofKind('operation_started').filter(({ name }) => name === 'withCallback')
    for (const kind of ['write', 'sync'] as const)
      expect(server.ofKind(kind)).toMatchObject([
        { operation_id: started?.operation_id, entity: { id: 'c2' } },
      ])
    await pool.end()
  })

  /** A client as versions of node-postgres have it that do not tell whether a transaction is open. */
  async function olderClient(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: database.url })
    Object.assign(client, { getTransactionStatus: undefined })
    return client
  }

  it('takes nothing for committed that an older driver wrote in a transaction which began outside of the call', async () => {
    const client = await olderClient()
    const observed = observe(client)
    await client.connect()
    const rescore = syncproof.wrap(
      async (id: string) => {
        await observed.query('UPDATE candidates SET score = 2 WHERE id = $1', [id])
      },
      { entity, syncs: ['ats'] },
    )
    await observed.query('BEGIN')
    await rescore('c1')
    await observed.query('ROLLBACK')
    await rescore('c2')
    await syncproof.flush()
    const [inside, alone] = server.ofKind('write')
    expect(inside).toMatchObject({ outcome: 'unknown' })
    expect(inside?.transaction).toBeUndefined()
    expect(alone).toMatchObject({ outcome: 'ok', transaction: 'none' })
    await client.end()
  })

  it('takes nothing for committed that the helper wrote on such a client', async () => {
    const client = await olderClient()
    await client.connect()
    const shared = { connect: async () => Object.assign(client, { release: () => {} }) }
    const candidates = postgresTable<Candidate>(shared as never, 'candidates', { key: 'id' })
    const rescore = syncproof.wrap(
      async (id: string) => {
        await syncproof.read('db', () => candidates.findUnique({ where: { id } }))
        const data = { score: 2 }
        await syncproof.write('db', data, () => candidates.update({ where: { id }, data }))
      },
      { entity },
    )
    await client.query('BEGIN')
    await rescore('c1')
    await client.query('ROLLBACK')
    await syncproof.flush()
    expect(server.ofKind('write')[0]?.transaction).toBeUndefined()
    await client.end()
  })
})
