import { compareKeys, recordFingerprinter } from '@syncproof/core/comparison'
import { createFingerprinter } from '@syncproof/core/contract'
import { openPglite } from '@syncproof/store/pglite'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { type PostgresTable, postgres } from '../src/index.ts'
import { listed, signal } from './api.ts'

interface Database {
  run(sql: string, values?: unknown[]): Promise<void>
  source(table: PostgresTable): ReturnType<ReturnType<typeof postgres>['open']>
  close(): Promise<void>
}

const engines: Readonly<Record<string, () => Promise<Database>>> = {
  async 'PostgreSQL by URL'() {
    const { url, drop } = await freshDatabase()
    const admin = new pg.Pool({ connectionString: url, max: 2 })
    admin.on('error', () => {})
    return {
      run: async (sql, values) => void (await admin.query(sql, values)),
      source: (table) => postgres({ url, ...table }).open(),
      close: async () => {
        await admin.end()
        await drop()
      },
    }
  },
  async 'PostgreSQL by a pool of one connection'() {
    const { url, drop } = await freshDatabase()
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    return {
      run: async (sql, values) => void (await pool.query(sql, values)),
      source: (table) => postgres({ pool, ...table }).open(),
      close: async () => {
        await pool.end()
        await drop()
      },
    }
  },
  async 'PGlite by its pool'() {
    const pool = await openPglite({})
    return {
      run: async (sql, values) => void (await pool.query(sql, values)),
      source: (table) => postgres({ pool, ...table }).open(),
      close: () => pool.end(),
    }
  },
}

for (const [engine, open] of Object.entries(engines)) {
  describe(`a table of ${engine}`, () => {
    let database: Database
    beforeAll(async () => {
      database = await open()
    })
    afterAll(async () => {
      await database?.close()
    })

    it('lists every row once, in byte order of the keys, whatever the collation', async () => {
      await database.run('create table numbered (id int primary key, name text)')
      await database.run(`insert into numbered select n, 'n' || n from generate_series(1, 2500) n`)
      const source = database.source({ table: 'numbered', key: 'id' })
      const keys = (await listed(source)).map(({ key }) => key)
      expect(keys).toHaveLength(2500)
      expect(keys).toEqual([...keys].sort(compareKeys))
      expect(new Set(keys).size).toBe(2500)
      await source.close()
    })

    it('lists keys of any script in byte order', async () => {
      await database.run('create table scripts (id text primary key)')
      const keys = [
        'ä',
        'a',
        'Z',
        'z',
        'ab',
        'a b',
        '\uFF01',
        '\u{1F600}',
        'é',
        'e\u0301',
        '1',
        '10',
        '2',
        '-',
      ]
      await database.run('insert into scripts select unnest($1::text[])', [keys])
      const source = database.source({ table: 'scripts', key: 'id' })
      expect((await listed(source)).map(({ key }) => key)).toEqual([...keys].sort(compareKeys))
      await source.close()
    })

    it('reads values without losing a digit, a microsecond or a null', async () => {
      await database.run(`create domain score as numeric(20, 4)`)
      await database.run(`create table exact (
        id uuid primary key, big bigint, amount numeric, score score, ratio float8, at timestamptz, local timestamp,
        born date, ok boolean, doc jsonb, tags text[], name varchar(20), "Odd ""name" text, version int)`)
      await database.run(`insert into exact values (
        '00000000-0000-0000-0000-00000000000A', 9223372036854775807, 12345678901234567890.123456789, 1.5, 0.1,
        '2026-03-01 12:00:00.123456+02', '2026-03-01 12:00:00.123456', '2026-03-01', true,
        '{"n": 9007199254740993, "f": 1.5, "s": "x"}', '{a,NULL}', null, '', 7)`)
      const source = database.source({
        table: 'exact',
        key: 'id',
        version: 'version',
        timestampZone: 'Europe/Berlin',
      })
      const [record] = await listed(source)
      expect(record).toEqual({
        key: '00000000-0000-0000-0000-00000000000a',
        version: '7',
        observedAt: expect.stringMatching(/Z$/),
        fields: {
          big: '9223372036854775807',
          amount: '12345678901234567890.123456789',
          score: '1.5000',
          ratio: '0.1',
          at: '2026-03-01T10:00:00.123456Z',
          local: '2026-03-01T11:00:00.123456Z',
          born: '2026-03-01',
          ok: true,
          doc: { n: '9007199254740993', f: 1.5, s: 'x' },
          tags: ['a', null],
          name: null,
          'Odd "name': '',
        },
      })
      expect(await source.get?.('00000000-0000-0000-0000-00000000000a', signal)).toMatchObject({
        fields: record?.fields,
      })
      await source.close()
    })

    it('compares columns by their types with a JSON reply of the same record', async () => {
      await database.run(
        'create table typed (id int primary key, score numeric(8,2), at timestamptz(3), n bigint, ok bool, name text, local timestamp)',
      )
      await database.run(
        `insert into typed values (1, 1.50, '2026-03-01 12:00:00.120+00', 12, true, 'Ada', '2026-01-01 00:00:00')`,
      )
      const source = database.source({ table: 'typed', key: 'id' })
      const reduce = recordFingerprinter({
        entityType: 'candidate',
        fingerprinter: createFingerprinter('key'),
        byType: (await source.fieldRules?.()) ?? {},
      })
      const [row] = await listed(source)
      const reply = {
        score: 1.5,
        at: '2026-03-01T13:00:00.12+01:00',
        n: '12',
        ok: true,
        name: 'Ada',
        local: '2026-01-01T00:00:00Z',
      }
      const { local: localRow, ...rowFields } = reduce(row ?? fail()).fields
      const { local: localReply, ...replyFields } = reduce({ key: '1', fields: reply, observedAt: '' }).fields
      expect(rowFields).toEqual(replyFields)
      // without a zone the row's timestamp is no instant: not comparable, whatever the other side says
      expect(localRow).toBe('!')
      expect(localReply).not.toBe('!')
      await source.close()
    })

    it('reads one row by key, and only that', async () => {
      await database.run('create table by_key (id int primary key, name text)')
      await database.run(`insert into by_key values (1, 'one')`)
      const source = database.source({ table: 'by_key', key: 'id' })
      expect(await source.get?.('1', signal)).toMatchObject({ key: '1', fields: { name: 'one' } })
      for (const key of [
        '2',
        '01',
        ' 1',
        'one',
        '',
        '1\0',
        '\ud800',
        '99999999999999999999',
        "1' or '1'='1",
      ]) {
        expect(await source.get?.(key, signal)).toBeUndefined()
      }
      await source.close()
    })

    it('finds a table of another schema, and columns named like keywords', async () => {
      await database.run('create schema "Crm"')
      await database.run('create table "Crm"."Order" ("select" text primary key, key text, f0 text)')
      await database.run(`insert into "Crm"."Order" values ('a', 'b', 'c')`)
      const source = database.source({ table: 'Crm.Order', key: 'select' })
      expect(await listed(source)).toMatchObject([{ key: 'a', fields: { key: 'b', f0: 'c' } }])
      await source.close()
    })

    it('lists an empty table as empty, and a view as its rows', async () => {
      await database.run('create table nothing (id int primary key)')
      await database.run('create view something as select 1 as id, 2 as n')
      const empty = database.source({ table: 'nothing', key: 'id' })
      const view = database.source({ table: 'something', key: 'id' })
      expect(await listed(empty)).toEqual([])
      expect(await listed(view)).toMatchObject([{ key: '1', fields: { n: '2' } }])
      await Promise.all([empty.close(), view.close()])
    })

    it('names the tables there are where the table is not', async () => {
      await database.run('create table candidates (id int primary key, email text)')
      const source = database.source({ table: 'candidate', key: 'id' })
      await expect(listed(source)).rejects.toMatchObject({
        code: 'table_not_found',
        detail: expect.stringContaining('Did you mean `candidates`?'),
      })
      await expect(source.fieldRules?.()).rejects.toMatchObject({ code: 'table_not_found' })
      await source.close()
    })

    it('names the columns there are where the column is not', async () => {
      await database.run('create table if not exists people (person_id int primary key, email text)')
      const source = database.source({ table: 'people', key: 'persn_id' })
      await expect(listed(source)).rejects.toMatchObject({
        code: 'column_not_found',
        detail: expect.stringMatching(/Did you mean `person_id`\?.*person_id, email/),
      })
      await source.close()
    })

    it('does not take SQL for a name', async () => {
      await database.run('create table safe (id int primary key)')
      const source = database.source({ table: 'safe; drop table safe', key: 'id' })
      await expect(listed(source)).rejects.toMatchObject({ code: 'table_not_found' })
      await source.close()
    })

    it('refuses rows without a key instead of leaving them out', async () => {
      await database.run('create table keyless (id int, name text)')
      await database.run(`insert into keyless values (1, 'a'), (null, 'b')`)
      const source = database.source({ table: 'keyless', key: 'id' })
      await expect(listed(source)).rejects.toMatchObject({ code: 'key_missing' })
      await source.close()
    })

    it('has keys of several parts, in byte order of their text, and finds them again', async () => {
      await database.run('create table parts (tenant text, n int, name text, primary key (tenant, n))')
      await database.run(
        `insert into parts values ('a/b', 1, 'x'), ('a', 10, 'y'), ('a', 9, 'z'), ('a\\', 2, 'w')`,
      )
      const source = database.source({ table: 'parts', key: ['tenant', 'n'] })
      const records = await listed(source)
      expect(records.map(({ key }) => key)).toEqual(['a/10', 'a/9', 'a\\/b/1', 'a\\\\/2'])
      for (const { key, fields } of records) {
        expect(Object.keys(fields)).toEqual(['name'])
        expect((await source.get?.(key, signal))?.fields).toEqual(fields)
      }
      expect(await source.get?.('a', signal)).toBeUndefined()
      expect(await source.get?.('a/x', signal)).toBeUndefined()
      await source.close()
    })

    it('names fields as the pair does, from within JSON too, and says which rows are deleted', async () => {
      await database.run('create table told (id int primary key, full_name text, data jsonb, gone boolean)')
      await database.run(
        `insert into told values (1, 'Ada', '{"address": {"city": "Ulm"}}', false), (2, 'Bob', '{}', true)`,
      )
      const source = database.source({
        ...{ table: 'told', key: 'id', deleted: 'gone' },
        fields: { name: 'full_name', city: 'data.address.city' },
      })
      const [ada, bob] = await listed(source)
      expect(ada?.fields).toEqual({
        name: 'Ada',
        city: 'Ulm',
        data: { address: { city: 'Ulm' } },
        gone: false,
      })
      expect(ada).not.toHaveProperty('deleted')
      expect(bob).toMatchObject({ key: '2', deleted: true })
      expect(Object.keys((await source.fieldRules?.()) ?? {})).toContain('name')
      const wrong = database.source({ table: 'told', key: 'id', fields: { name: 'fullname' } })
      await expect(listed(wrong)).rejects.toMatchObject({
        code: 'column_not_found',
        detail: expect.stringContaining('It has: id, full_name'),
      })
      await source.close()
    })

    it('lists a key twice that the table has twice, also across two pages', async () => {
      await database.run('create table twins (id int, name text)')
      await database.run(`insert into twins select least(n, 10000), 'n' from generate_series(10001, 40000) n`)
      const source = database.source({ table: 'twins', key: 'id' })
      const seen: string[] = []
      for await (const batch of source.list(signal)) {
        seen.push(...batch.records.map(({ key }) => key))
        if (seen.length > 10_000) break
      }
      expect(seen.filter((key) => key === '10000').length).toBeGreaterThan(10_000)
      await expect(source.get?.('10000', signal)).rejects.toMatchObject({ code: 'duplicate_key' })
      await source.close()
    })

    it('stops where it is told to, and gives its connection back', async () => {
      const source = database.source({ table: 'numbered', key: 'id' })
      const stop = new AbortController()
      const reading = (async () => {
        for await (const _ of source.list(stop.signal)) stop.abort(new Error('told to stop'))
      })()
      await expect(reading).rejects.toThrow('told to stop')
      await database.run('select 1')
      await source.close()
    })

    it('lets its database be used by others while a listing waits for its reader', async () => {
      const source = database.source({ table: 'numbered', key: 'id' })
      for await (const _ of source.list(signal)) {
        await database.run('select 1')
        expect(await source.get?.('1', signal)).toMatchObject({ key: '1' })
      }
      await source.close()
    })
  })
}

function fail(): never {
  throw new Error('there is no row')
}
