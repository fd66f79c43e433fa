import pg from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { startPostgres } from '../../tools/testing/throwaway-servers.ts'
import { postgres } from '../src/index.ts'
import { signal } from './api.ts'

let database: FreshDatabase
let pool: pg.Pool
beforeAll(async () => {
  database = await freshDatabase()
  pool = new pg.Pool({ connectionString: database.url })
  await pool.query('create table candidates (id text primary key, name text)')
})
afterAll(async () => {
  await pool?.end()
  await database?.drop()
})

/** Writes a row and ends the transaction so. @returns the `xmin` that the row has */
async function transaction(key: string, end?: 'commit' | 'rollback') {
  const client = await pool.connect()
  await client.query('begin')
  const { rows } = await client.query(`insert into candidates values ($1, 'Ada') returning xmin::text`, [key])
  if (end) await client.query(end)
  return { xmin: String(rows[0].xmin), client }
}

async function ask(ids: readonly string[], url = database.url) {
  const source = postgres({ url, table: 'candidates', key: 'id' }).open()
  try {
    const answers = await source.transactions?.(ids, signal)
    if (!answers) throw new Error('a PostgreSQL source can be asked')
    return answers
  } finally {
    await source.close()
  }
}

it('a database says what became of transactions, of savepoints within them, and of open ones', async () => {
  const committed = await transaction('committed', 'commit')
  const aborted = await transaction('aborted', 'rollback')
  const savepoint = await transaction('outer')
  await savepoint.client.query('savepoint a')
  const { rows } = await savepoint.client.query(
    `insert into candidates values ('inner') returning xmin::text`,
  )
  await savepoint.client.query('release a; commit')
  const open = await transaction('open')
  const ids = [committed.xmin, aborted.xmin, savepoint.xmin, String(rows[0].xmin), open.xmin]
  expect(new Set(ids).size).toBe(5)
  const { fates } = await ask(ids)
  expect(ids.map((id) => fates.get(id)?.status)).toEqual([
    'committed',
    'aborted',
    'committed',
    'committed',
    expect.stringMatching(/^(in progress|unassigned)$/),
  ])
  expect(fates.get(committed.xmin)?.id).toBe(committed.xmin)
  await open.client.query('rollback')
  expect((await ask([open.xmin])).fates.get(open.xmin)?.status).toBe('aborted')
  for (const { client } of [committed, aborted, savepoint, open]) client.release()
})

it('an id that it has not given out, or given out before it can remember, has no fate', async () => {
  const { rows } = await pool.query('select pg_snapshot_xmax(pg_current_snapshot())::text as next')
  const future = String(Number(rows[0].next) + 100_000)
  const past = String(2 ** 32 - 5)
  const { fates } = await ask([future, past])
  expect(fates.get(future)?.status).toBe('unassigned')
  expect(fates.get(past)?.status).toBe('forgotten')
})

it('a role that may do nothing but connect is told, with the database as version tokens name it', async () => {
  const { xmin, client } = await transaction('reader', 'commit')
  client.release()
  const role = `r_${new URL(database.url).pathname.slice(1)}`
  await pool.query(`create role ${role} login`)
  const url = new URL(database.url)
  url.username = role
  try {
    const answers = await ask([xmin], url.href)
    const { rows } = await pool.query(`select system_identifier || '-' || d.oid as name,
      extract(epoch from pg_postmaster_start_time()) * 1000 as started
      from pg_control_system(), pg_database d where datname = current_database()`)
    expect(answers).toMatchObject({ database: rows[0].name, isPrimary: true })
    expect(answers.fates.get(xmin)?.status).toBe('committed')
    expect(Date.parse(answers.unbrokenSince ?? '')).toBe(Math.floor(rows[0].started))
    expect(Math.abs(Date.parse(answers.now) - Date.now())).toBeLessThan(60_000)
  } finally {
    await pool.query(`drop role ${role}`)
  }
})

it('a server that crashed says since when it has taken writes again, to a role that may see it', async () => {
  const server = await startPostgres()
  const admin = new pg.Pool({ connectionString: server.url })
  admin.on('error', () => {})
  try {
    await admin.query('create role reader login')
    const before = await ask([], server.url)
    const reader = new URL(server.url)
    reader.username = 'reader'
    expect((await ask([], reader.href)).unbrokenSince).toBe(before.unbrokenSince)
    await crash(server.url)
    const after = await vi.waitFor(
      async () => {
        const answers = await ask([], server.url)
        expect(Date.parse(answers.unbrokenSince ?? '')).toBeGreaterThan(Date.parse(before.now))
        return answers
      },
      { timeout: 30_000 },
    )
    expect(after.database).toBe(before.database)
    expect((await ask([], reader.href)).unbrokenSince).toBeUndefined()
    await admin.query('grant pg_read_all_stats to reader')
    expect((await ask([], reader.href)).unbrokenSince).toBe(after.unbrokenSince)
  } finally {
    await admin.end()
    await server.stop()
  }
})

/** As the kernel ends a process that takes too much memory: the server then ends all others and recovers. */
async function crash(url: string): Promise<void> {
  const client = new pg.Client(url)
  const ended = new Promise((resolve) => client.on('error', resolve))
  await client.connect()
  // by its own child, which can mean no other process: a number that was read may be somebody else's by now
  client.query(`copy (select) to program 'kill -9 $PPID'`).catch(() => {})
  await ended
}
