import pg from 'pg'
import { describe, expect, it, vi } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { postgres } from '../src/index.ts'
import { listed, signal } from './api.ts'

describe('a PostgreSQL database', () => {
  it('that does not answer is said to be unreachable, without the password', async () => {
    const source = postgres({ url: 'postgres://u:hush-hush@127.0.0.1:1/none', table: 't', key: 'id' }).open()
    const error = await listed(source).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'ListingError', code: 'source_unreachable' })
    expect(JSON.stringify(error) + String(error)).not.toContain('hush-hush')
    await source.close()
  })

  it('is read with no right to write, and a table without the right to read says which GRANT it needs', async () => {
    const { url, drop } = await freshDatabase()
    const admin = new pg.Client(url)
    await admin.connect()
    await admin.query('create table private (id int primary key)')
    await admin.query('create role reader login')
    const asReader = new URL(url)
    asReader.username = 'reader'
    const source = postgres({ url: asReader.href, table: 'private', key: 'id' }).open()
    await expect(listed(source)).rejects.toMatchObject({
      code: 'permission_denied',
      detail: expect.stringContaining('grant'),
    })
    await admin.query(
      `create function sly() returns int language sql as 'insert into private values (1) returning id'`,
    )
    await admin.query('create view slyly as select sly() as id')
    const sly = postgres({ url, table: 'slyly', key: 'id' }).open()
    await expect(listed(sly)).rejects.toMatchObject({
      code: 'page_failed',
      detail: expect.stringContaining('25006'),
    })
    await Promise.all([source.close(), sly.close()])
    await admin.query('drop role reader').catch(() => admin.query('drop owned by reader; drop role reader'))
    await admin.end()
    await drop()
  })

  it('goes on after the last key in a new snapshot when one has been held for 60 s', async () => {
    const { url, drop } = await freshDatabase()
    const admin = new pg.Client(url)
    await admin.connect()
    await admin.query('create table rows (id text primary key)')
    await admin.query(`insert into rows select lpad(n::text, 5, '0') from generate_series(1, 2500) n`)
    const source = postgres({ url, table: 'rows', key: 'id' }).open()
    const timers = vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const keys: string[] = []
    for await (const batch of source.list(signal)) {
      keys.push(...batch.records.map(({ key }) => key))
      if (keys.length > 1_000) continue
      await admin.query(`insert into rows values ('00000'), ('99999')`)
      await admin.query(`delete from rows where id = '01000'`)
      timers.advanceTimersByTime(60_000)
    }
    vi.useRealTimers()
    expect(keys).toEqual([...Array.from({ length: 2500 }, (_, n) => String(n + 1).padStart(5, '0')), '99999'])
    await source.close()
    await admin.end()
    await drop()
  })

  it('that ends the connection in the middle of a listing makes it fail, not end early', async () => {
    const { url, drop } = await freshDatabase()
    const admin = new pg.Client(url)
    await admin.connect()
    await admin.query('create table rows (id int primary key)')
    await admin.query('insert into rows select generate_series(1, 2500)')
    const source = postgres({ url, table: 'rows', key: 'id' }).open()
    const reading = (async () => {
      for await (const _ of source.list(signal)) {
        await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'syncproof' and datname = current_database()`,
        )
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'source_unreachable' })
    await source.close()
    await admin.end()
    await drop()
  })
})
