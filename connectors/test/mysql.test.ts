import { compareKeys, compareSides, type RecordSource } from '@syncproof/core/comparison'
import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase } from '../../tools/testing/servers.ts'
import { hasMariadb, startMariadb } from '../../tools/testing/throwaway-mariadb.ts'
import type { ThrowawayServer } from '../../tools/testing/throwaway-servers.ts'
import { type MysqlOptions, mysql, postgres } from '../src/index.ts'
import { listed, signal } from './api.ts'

const NO_MARIADB =
  'THE MYSQL TESTS WERE NOT RUN: install mariadb-server (Debian: apt-get install mariadb-server).'
if (!hasMariadb()) {
  if (process.env.CI === 'true') throw new Error(NO_MARIADB)
  process.stderr.write(`\n  !!  ${NO_MARIADB}\n\n`)
}

describe.runIf(hasMariadb())('a table of MySQL', () => {
  let server: ThrowawayServer
  const opened: RecordSource[] = []
  beforeAll(async () => {
    server = await startMariadb()
  })
  afterAll(async () => {
    for (const source of opened) await source.close()
    await server.stop()
  })

  async function run(...statements: string[]): Promise<void> {
    const connection = await createConnection({ uri: server.url, charset: 'utf8mb4' })
    await connection.query("set sql_mode = 'NO_BACKSLASH_ESCAPES'")
    for (const statement of statements) await connection.query(statement)
    await connection.end()
  }

  function source(options: Omit<MysqlOptions, 'url'>, url = server.url): RecordSource {
    const made = mysql({ url, ...options }).open()
    opened.push(made)
    return made
  }

  it('hands on every type without loss, and compares it with PostgreSQL', async () => {
    await run(
      `create table everything (id bigint primary key, name varchar(40) collate utf8mb4_general_ci, amount decimal(30,10),
        big bigint unsigned, flag tinyint(1), small tinyint, at timestamp(6) null, local datetime(3), day date,
        kind enum('a','b'), bits bit(8), bytes varbinary(8), ratio double, note text character set latin1)`,
      `insert into everything values (9007199254740993, 'Zoë ☃', 12345678901234567890.0123456789, 18446744073709551615,
        1, 5, '2026-01-02 03:04:05.123456', '2026-01-02 03:04:05.5', '2026-02-28', 'b', b'101', x'00ff', 0.1, 'ü'),
        (2, null, null, null, null, null, null, null, null, null, null, null, null, null)`,
    )
    const from = source({ table: 'everything', key: 'id', timestampZone: '+02:00' })
    const [, whole] = (await listed(from)).toSorted((a, b) => (a.key < b.key ? -1 : 1))
    expect(whole).toMatchObject({
      key: '9007199254740993',
      fields: {
        ...{
          name: 'Zoë ☃',
          amount: '12345678901234567890.0123456789',
          big: '18446744073709551615',
          flag: true,
        },
        ...{ small: '5', at: '2026-01-02T03:04:05.123456Z', local: '2026-01-02T03:04:05.500+02:00' },
        ...{ day: '2026-02-28', kind: 'b', bits: '5', bytes: '00FF', ratio: '0.1', note: 'ü' },
      },
    })
    const { url, drop } = await freshDatabase()
    const db = new pg.Client(url)
    await db.connect()
    await db.query(`create table everything (id bigint primary key, name text, amount numeric, big numeric, flag boolean,
      small int, at timestamptz, local timestamptz, day date, kind text, bits int, ratio float8, note text)`)
    await db.query(`insert into everything values (9007199254740993, 'Zoë ☃', 12345678901234567890.0123456789,
      18446744073709551615, true, 5, '2026-01-02T03:04:05.123456Z', '2026-01-02T01:04:05.5Z', '2026-02-28', 'b', 5, 0.1, 'ü')`)
    await db.query('insert into everything (id) values (2)')
    await db.end()
    const other = postgres({ url, table: 'everything', key: 'id' }).open()
    const byType = await other.fieldRules?.()
    const comparison = compareSides(other, from, { byType }, undefined, signal)
    for await (const suspects of comparison.suspects) expect(suspects).toEqual([])
    expect(comparison.counts()).toMatchObject({ source: 2, target: 2, agreed: 2 })
    await other.close()
    await drop()
  })

  it('is listed in byte order of its keys, whatever its collation calls equal', async () => {
    const keys = ['a', 'A', 'á', 'b', 'B', 'a ', '10', '9', 'é', '😀', '＂', 'a/b', 'a\\b']
    await run('create table words (id varchar(20) collate utf8mb4_nopad_bin primary key, n int)')
    await run(`insert into words (id, n) values ${keys.map((key, n) => `('${key}', ${n})`).join(', ')}`)
    await run(
      'create view seen as select convert(id using utf8mb4) collate utf8mb4_general_ci as id, n from words',
    )
    for (const table of ['words', 'seen']) {
      const from = source({ table, key: 'id' })
      const records = await listed(from)
      expect(records.map(({ key }) => key)).toEqual(keys.toSorted(compareKeys))
      for (const [n, key] of keys.entries()) {
        expect((await from.get?.(key, signal))?.fields).toEqual({ n: String(n) })
      }
      for (const none of ['á ', 'b ', 'C', '']) expect(await from.get?.(none, signal)).toBeUndefined()
    }
  })

  it('is asked for no number that only begins like a key', async () => {
    await run(
      'create table numbered (id int primary key, n int)',
      'insert into numbered values (0, 0), (1, 1), (12, 2)',
    )
    const from = source({ table: 'numbered', key: 'id' })
    expect((await from.get?.('12', signal))?.fields).toEqual({ n: '2' })
    for (const none of ['', 'abc', '1abc', '01', '1.0', ' 1', '99999999999999999999']) {
      expect(await from.get?.(none, signal)).toBeUndefined()
    }
  })

  it('has keys of several parts, names fields as the pair does, and says which rows are deleted', async () => {
    await run(
      'create table parts (tenant varchar(9), n int, full_name text, doc json, gone datetime, primary key (tenant, n))',
      `insert into parts values ('a/b', 1, 'x', '{"city":"Ulm"}', null), ('a\\', 2, 'y', '{}', now())`,
    )
    const from = source({
      table: 'parts',
      key: ['tenant', 'n'],
      fields: { name: 'full_name' },
      deleted: 'gone',
    })
    const records = await listed(from)
    expect(records).toMatchObject([
      { key: 'a\\/b/1', fields: { name: 'x' } },
      { key: 'a\\\\/2', fields: { name: 'y' }, deleted: true },
    ])
    for (const { key } of records) expect((await from.get?.(key, signal))?.key).toBe(key)
  })

  it('is taken apart by whole numbers, as PostgreSQL is, and its parts are all of it', async () => {
    await run(
      'create table many (id int primary key, name varchar(9))',
      `insert into many select seq, concat('n', seq) from seq_1_to_5000`,
    )
    const from = source({ table: 'many', key: 'id' })
    const ranges = await from.ranges?.(signal)
    expect(ranges).toMatchObject({ orders: ['integer'], records: 5_000 })
    const boundaries = (await ranges?.boundaries('integer', 2_000, signal)) ?? []
    expect(boundaries).toEqual(['2001', '4001'])
    const keys: string[] = []
    for (const [at, start] of [null, ...boundaries].entries()) {
      const range = { order: 'integer', from: start, to: boundaries[at] ?? null }
      for await (const { records } of from.list(signal, { range }))
        keys.push(...records.map(({ key }) => key))
    }
    expect(keys.toSorted()).toEqual(Array.from({ length: 5_000 }, (_, n) => String(n + 1)).toSorted())
    let position: string | undefined
    for await (const batch of from.list(signal)) {
      position = batch.position
      break
    }
    let rest = 0
    for await (const { records } of from.list(signal, { after: position })) rest += records.length
    expect(rest).toBe(4_000)
  })

  it.each<[string, Omit<MysqlOptions, 'url'>, string, RegExp]>([
    ['without the table', { table: 'mani', key: 'id' }, 'table_not_found', /It has: .*many/],
    ['without the column', { table: 'many', key: 'ide' }, 'column_not_found', /It has: id, name/],
    [
      'without a named field',
      { table: 'many', key: 'id', fields: { x: 'y' } },
      'column_not_found',
      /no column 'y'/,
    ],
  ])('%s is told, with what there is', async (_, options, code, detail) => {
    await expect(listed(source(options))).rejects.toMatchObject({
      code,
      detail: expect.stringMatching(detail),
    })
  })

  it('with rows without a key, or one key twice, is not compared', async () => {
    await run('create table keyless (id int, n int)', 'insert into keyless values (1, 1), (null, 2)')
    await expect(listed(source({ table: 'keyless', key: 'id' }))).rejects.toMatchObject({
      code: 'key_missing',
    })
    await run('create table twins (id int, n int)', 'insert into twins values (1, 1), (1, 2)')
    await expect(source({ table: 'twins', key: 'id' }).get?.('1', signal)).rejects.toMatchObject({
      code: 'duplicate_key',
    })
  })

  it('that loses a column in mid-run ends with a clear code', async () => {
    await run(
      'create table losing (id int primary key, n int)',
      'insert into losing select seq, seq from seq_1_to_10',
    )
    const from = source({ table: 'losing', key: 'id' })
    await from.get?.('1', signal)
    await run('alter table losing drop column n')
    await expect(listed(from)).rejects.toMatchObject({ code: 'column_not_found' })
  })

  it('may be read by a user with SELECT alone, and tells one without', async () => {
    await run(
      "create user reader@localhost identified by 'r'",
      'grant select on shop.many to reader@localhost',
    )
    const url = server.url.replace('root@', 'reader:r@')
    expect(await listed(source({ table: 'many', key: 'id' }, url))).toHaveLength(5_000)
    const refused = listed(source({ table: 'many', key: 'id' }, server.url.replace('root@', 'reader:wrong@')))
    await expect(refused).rejects.toMatchObject({ code: 'permission_denied' })
    await expect(refused).rejects.not.toThrow(/wrong/)
    await expect(listed(source({ table: 'words', key: 'id' }, url))).rejects.toMatchObject({
      code: 'table_not_found',
    })
  })

  it('that closes the connection in mid-listing, or is not there, does not look as if it had ended', async () => {
    await run(
      'create table wide (id int primary key, text varchar(2000))',
      "insert into wide select seq, repeat('x', 2000) from seq_1_to_50000",
    )
    const from = source({ table: 'wide', key: 'id' })
    const reading = (async () => {
      for await (const _ of from.list(signal)) await run(...(await killAll()))
    })()
    await expect(reading).rejects.toMatchObject({ code: 'source_unreachable' })
    const nobody = source({ table: 'many', key: 'id' }, 'mysql://root@127.0.0.1:1/shop')
    await expect(listed(nobody)).rejects.toMatchObject({ code: 'source_unreachable' })
  })

  async function killAll(): Promise<string[]> {
    const connection = await createConnection(server.url)
    const [rows] = await connection.query(
      'select id from information_schema.processlist where id <> connection_id() and db = ?',
      ['shop'],
    )
    await connection.end()
    return Array.isArray(rows) ? rows.map((row) => `kill ${'id' in row ? row.id : ''}`) : []
  }

  it('stops at once where it is told to', async () => {
    const stop = new AbortController()
    const reading = (async () => {
      for await (const _ of source({ table: 'many', key: 'id' }).list(stop.signal))
        stop.abort(new Error('told to stop'))
    })()
    await expect(reading).rejects.toThrow('told to stop')
  })
})
