import pg from 'pg'
import { expect, it } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { migrateStore, openStore, StoreNotMigratedError } from '../src/index.ts'
import { openPglite } from '../src/pglite/index.ts'
import { newProcess, operation } from './make-events.ts'

it('any number of processes may migrate at once; one does it', async () => {
  const { url, drop } = await freshDatabase()
  const applied = await Promise.all(Array.from({ length: 6 }, () => migrateStore({ url })))
  expect(applied.filter((names) => names.length > 0)).toHaveLength(1)
  expect(await migrateStore({ url })).toEqual([])
  await drop()
})

it('PGlite is migrated once, too', async () => {
  const pool = await openPglite({})
  const applied = await Promise.all([migrateStore({ pool }), migrateStore({ pool })])
  expect(applied.map((names) => names.length > 0).sort()).toEqual([false, true])
  await pool.end()
})

it('a store that is not migrated says what is missing', async () => {
  const { url, drop } = await freshDatabase()
  const store = openStore({ url })
  await expect(store.ready()).rejects.toThrow(StoreNotMigratedError)
  await migrateStore({ url })
  await store.ready()
  await store.close()
  await drop()
})

it('works whatever the search_path of the database is', async () => {
  const { url, drop } = await freshDatabase()
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`create schema bullmq`)
  await client.query(`alter database ${client.database} set search_path = bullmq, public`)
  await client.end()
  await migrateStore({ url })
  const store = openStore({ url })
  expect(await store.events.append('default', newProcess(), operation())).toMatchObject({ accepted: 4 })
  await store.close()
  await drop()
})
