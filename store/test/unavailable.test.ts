import pg from 'pg'
import { expect, it } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { migrateStore, openStore, StoreUnavailableError } from '../src/index.ts'
import { newProcess, operation } from './make-events.ts'

it.each([
  ['nobody listens', 'postgres://postgres@127.0.0.1:1/postgres'],
  ['the host is not known', 'postgres://postgres@nowhere.invalid/postgres'],
])('says that the database is not available: %s', async (_, url) => {
  const store = openStore({ url })
  const failure = await store.ready().catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(StoreUnavailableError)
  expect((failure as Error).cause).toBeInstanceOf(Error)
  await expect(migrateStore({ url })).rejects.toThrow(StoreUnavailableError)
  await store.close()
})

it('a database that is gone and comes back is used again, and nothing crashes in between', async () => {
  const { url, drop } = await freshDatabase()
  await migrateStore({ url })
  const store = openStore({ url, applicationName: 'victim' })
  await store.events.append('default', newProcess(), operation())
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const killed = store.detection.step(0, 100, async () => {
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim'`,
    )
    return { findings: [], resolved: [] }
  })
  await expect(killed).rejects.toThrow(StoreUnavailableError)
  expect(await store.detection.lag()).toMatchObject({ events: 4 })
  await admin.end()
  await drop()
  await expect(store.ready()).rejects.toThrow(StoreUnavailableError)
  await store.close()
})
