import {
  type Comparison,
  compareRecords,
  compareSides,
  type RecordSource,
  recordJudge,
  type SourceRecord,
} from '@syncproof/core/comparison'
import { type FieldRules, map, text } from '@syncproof/core/contract'
import fc from 'fast-check'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FreshDatabase, freshDatabase } from '../../tools/testing/servers.ts'
import { postgres } from '../src/index.ts'
import { signal } from './api.ts'

let database: FreshDatabase
let db: pg.Pool
const opened: RecordSource[] = []

beforeAll(async () => {
  database = await freshDatabase()
  db = new pg.Pool({ connectionString: database.url, max: 2 })
})
afterAll(async () => {
  for (const source of opened) await source.close()
  await db.end()
  await database.drop()
})

function side(table: string): RecordSource {
  const source = postgres({ url: database.url, table, key: 'id' }).open()
  opened.push(source)
  return source
}

let tables = 0
/** A pair of tables with the same columns, and what fills them. */
async function twoTables(columns: string, fill: string, more: { source?: string; target?: string } = {}) {
  tables += 1
  const names = { source: `source_${tables}`, target: `target_${tables}` }
  for (const which of ['source', 'target'] as const) {
    await db.query(`create table ${names[which]} (${columns})`)
    await db.query(`insert into ${names[which]} ${fill}`)
    const change = more[which]
    if (change) await db.query(change.replaceAll('$table', names[which]))
  }
  return { ...names, sides: [side(names.source), side(names.target)] as const }
}

async function found(comparison: Comparison<SourceRecord>) {
  const suspects: string[] = []
  for await (const batch of comparison.suspects) {
    for (const { key, kind, fields, incomparable } of batch) {
      suspects.push([key, kind, ...fields, ...incomparable.map((name) => `${name}?`)].join(' '))
    }
  }
  return { suspects: suspects.sort(), counts: comparison.counts() }
}

/** What a comparison says, and that it was made by digests: the sides list nothing. */
async function byDigests([source, target]: readonly [RecordSource, RecordSource], declared: FieldRules = {}) {
  const byType = await source.fieldRules?.()
  expect(await source.digests?.({ ...byType, ...declared }, signal)).toBeDefined()
  const unlisted = (one: RecordSource): RecordSource =>
    new Proxy(one, {
      get: (of, name) => {
        if (name === 'list') throw new Error('records are listed')
        const member = Reflect.get(of, name)
        return typeof member === 'function' ? member.bind(of) : member
      },
    })
  return found(compareSides(unlisted(source), unlisted(target), { byType, declared }, undefined, signal))
}

async function byRecords([source, target]: readonly [RecordSource, RecordSource], declared: FieldRules = {}) {
  const listed = async function* (of: RecordSource) {
    for await (const { records } of of.list(signal)) yield records
  }
  const judge = recordJudge({ byType: await source.fieldRules?.(), declared })
  return found(compareRecords(listed(source), listed(target), judge))
}

const PEOPLE =
  'id bigint primary key, name text, email text, score numeric(12,2), at timestamptz, active boolean'
const people = (count: number) =>
  `select n, 'n' || n, case when n % 7 <> 0 then 'e' || n end, n / 4.0, '2026-01-01'::timestamptz + n * interval '1 s', n % 2 = 0 from generate_series(1, ${count}) n`

describe('two tables that hash their ranges themselves', () => {
  it('agree without a record being sent, in few requests', async () => {
    const { sides } = await twoTables(PEOPLE, people(20_000))
    const { suspects, counts } = await byDigests(sides)
    expect(suspects).toEqual([])
    expect(counts).toEqual({ source: 20_000, target: 20_000, agreed: 20_000, suspects: 0 })
    expect(sides[0].requests() + sides[1].requests()).toBeLessThan(60)
  })

  const changes = [
    'delete from $table where id in (17, 4000, 20000)',
    "insert into $table (id, name) values (-5, 'early'), (30000, 'late'), (9223372036854775807, 'last')",
    "update $table set name = name || ' ' where id % 4999 = 1",
    'update $table set email = null where id = 19',
    "update $table set email = '' where id = 21",
    'update $table set score = score + 0.01 where id = 5000',
    "update $table set at = at + interval '1 ms' where id = 6000",
    "update $table set at = at + interval '1 us' where id = 6001",
    'update $table set active = null where id = 7000',
  ]

  it('show exactly what listing both shows, and the rules decide what a difference is', async () => {
    const { source, target, sides } = await twoTables(PEOPLE, people(20_000))
    for (const change of changes) await db.query(change.replaceAll('$table', target))
    const said = await byDigests(sides)
    expect(said).toEqual(await byRecords(sides))
    expect(said.suspects).toHaveLength(3 + 3 + 5 + 2 + 2)
    // a microsecond is within the precision of the column's rule
    expect(said.suspects.filter((line) => line.startsWith('6001'))).toEqual([])
    const turned = [sides[1], sides[0]] as const
    expect(await byDigests(turned)).toEqual(await byRecords(turned))
    expect(source).not.toBe(target)
  })

  it.each([
    ['whole numbers of two widths', 'id int primary key, name text', 'id bigint primary key, name text', 'n'],
    ['uuids', 'id uuid primary key, name text', 'id uuid primary key, name text', 'md5(n::text)::uuid'],
    ['text', 'id text primary key, name text', 'id text primary key, name text', `'K' || n || 'ä'`],
    [
      'text of another length, by bytes',
      'id varchar(40) collate "C" primary key, name text',
      'id text collate "C" primary key, name text',
      `chr(65 + n % 60) || n`,
    ],
    [
      'text by the rules of a language',
      'id text collate "de-x-icu" primary key, name text',
      'id text collate "de-x-icu" primary key, name text',
      `chr(65 + n % 60) || n`,
    ],
  ])('find records by keys that are %s', async (_, sourceColumns, targetColumns, key) => {
    const { source, target, sides } = await twoTables(
      sourceColumns,
      `select ${key}, 'n' || n from generate_series(1, 3000) n`,
    )
    await db.query(`drop table ${target}`)
    await db.query(`create table ${target} (${targetColumns})`)
    await db.query(`insert into ${target} select * from ${source}`)
    await db.query(`delete from ${target} where name in ('n1', 'n777', 'n3000')`)
    await db.query(`update ${target} set name = 'other' where name in ('n2', 'n1500')`)
    await db.query(`delete from ${source} where name in ('n5', 'n2999')`)
    const said = await byDigests(sides)
    expect(said).toEqual(await byRecords(sides))
    expect(said.suspects).toHaveLength(7)
  })

  it('are exact for any two sets of rows, held against listing both', async () => {
    const { source, target, sides } = await twoTables(
      'id int primary key, a text, b text',
      `select 1, 'a', 'b'`,
    )
    const cell = fc.constantFrom(null, '', 'null', '<null>', 'p|q', 'r', 'p', 'q|r', '(,)', '"', ',')
    const rows = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 600 }), cell, cell), {
      selector: ([id]) => id,
      maxLength: 400,
    })
    await fc.assert(
      fc.asyncProperty(rows, rows, async (one, other) => {
        await refill(source, one)
        await refill(target, [
          ...one.filter(([id]) => id % 3 > 0 && !other.some(([its]) => its === id)),
          ...other,
        ])
        expect(await byDigests(sides)).toEqual(await byRecords(sides))
      }),
      { numRuns: 40 },
    )
  })

  async function refill(table: string, rows: readonly (readonly [number, string | null, string | null])[]) {
    await db.query(`truncate ${table}`)
    await db.query(`insert into ${table} select * from unnest($1::int[], $2::text[], $3::text[])`, [
      rows.map(([id]) => id),
      rows.map(([, a]) => a),
      rows.map(([, , b]) => b),
    ])
  }

  it('look at values that a rule cannot read, and say of them what listing says', async () => {
    const { target, sides } = await twoTables(
      'id int primary key, n numeric, f float8, t timestamptz, d date, j jsonb',
      `select n, n::numeric, n::float8, '2026-01-01'::timestamptz, '2026-01-01'::date, '{"a": 1}'::jsonb from generate_series(1, 500) n
       union all select 501, 'NaN', 1, '2026-01-01', '2026-01-01', 'null'
       union all select 502, 1, 'Infinity', '2026-01-01', '2026-01-01', 'null'
       union all select 503, 1, 1, 'infinity', '2026-01-01', 'null'
       union all select 504, 1, 1, '0044-03-15 BC', '0044-03-15 BC', 'null'
       union all select 505, null, null, null, null, null
       union all select 506, 1, 1, '2026-01-01', '2026-01-01', (repeat('[', 60) || repeat(']', 60))::jsonb`,
    )
    const said = await byDigests(sides)
    expect(said.suspects.map((line) => line.split(' ')[0])).toEqual(['501', '502', '503', '504', '506'])
    expect(said).toEqual(await byRecords(sides))
    await db.query(`update ${target} set n = n where id = 1`)
  })

  it('turn to listing where nearly everything differs, and are exact then too', async () => {
    const { target, sides } = await twoTables(PEOPLE, people(70_000))
    await db.query(`update ${target} set name = name || 'x' where id % 100 <> 0`)
    const byType = await sides[0].fieldRules?.()
    const { suspects, counts } = await found(compareSides(...sides, { byType }, undefined, signal))
    expect(counts).toEqual({ source: 70_000, target: 70_000, agreed: 700, suspects: 69_300 })
    expect(new Set(suspects).size).toBe(69_300)
  })

  it('are listed where the target has a flood of records between two of the source', async () => {
    const { source, sides } = await twoTables(PEOPLE, people(30_000))
    await db.query(`delete from ${source} where id between 2 and 29999`)
    const byType = await sides[0].fieldRules?.()
    const { counts } = await found(compareSides(...sides, { byType }, undefined, signal))
    expect(counts).toEqual({ source: 2, target: 30_000, agreed: 2, suspects: 29_998 })
  })

  it('compare one range, and leave the records beside it alone', async () => {
    const { target, sides } = await twoTables(PEOPLE, people(5_000))
    await db.query(`update ${target} set name = 'x' where id in (999, 1000, 1999, 2000)`)
    const byType = await sides[0].fieldRules?.()
    const range = { order: 'integer', from: '1000', to: '2000' }
    const { suspects, counts } = await found(compareSides(...sides, { byType }, range, signal))
    expect(suspects).toEqual(['1000 field-mismatch name', '1999 field-mismatch name'])
    expect(counts.source).toBe(1_000)
  })
})

describe('two tables that call things by other names', () => {
  it('are hashed where columns are renamed, and deleted rows are none', async () => {
    const { source, target } = await twoTables(PEOPLE, people(2_000))
    await db.query(`alter table ${source} add deleted_at timestamptz`)
    await db.query(`alter table ${target} rename name to full_name`)
    await db.query(`alter table ${target} add state text not null default 'live'`)
    await db.query(`update ${source} set deleted_at = now() where id in (1, 2, 3)`)
    await db.query(`update ${target} set state = 'archived' where id in (2, 4)`)
    await db.query(`delete from ${target} where id = 3`)
    await db.query(`update ${target} set full_name = 'other' where id = 5`)
    const open = (table: string, more: object): RecordSource => {
      const made = postgres({ url: database.url, table, key: 'id', ...more }).open()
      opened.push(made)
      return made
    }
    const sides = [
      open(source, { deleted: 'deleted_at' }),
      open(target, { fields: { name: 'full_name' }, deleted: { path: 'state', is: ['archived'] } }),
    ] as const
    const said = await byDigests(sides)
    expect(said.suspects).toEqual(['1 unexpected-in-target', '4 missing-in-target', '5 field-mismatch name'])
    expect(said).toEqual(await byRecords(sides))
  })
})

describe('two tables are compared record by record', () => {
  const notHashed = async (sides: readonly [RecordSource, RecordSource], declared: FieldRules = {}) => {
    const byType = await sides[0].fieldRules?.()
    const listed: string[] = []
    const watched = sides.map(
      (one): RecordSource =>
        new Proxy(one, {
          get: (of, name) => {
            if (name === 'list') listed.push(of.name)
            const member = Reflect.get(of, name)
            return typeof member === 'function' ? member.bind(of) : member
          },
        }),
    ) as [RecordSource, RecordSource]
    const said = await found(compareSides(...watched, { byType, declared }, undefined, signal))
    expect(listed).toHaveLength(2)
    return said
  }

  it.each([
    ['a key is not surely unique', 'id int, name text'],
    ['a key may be null', 'id int unique, name text'],
    ['a field has no declared zone', 'id int primary key, name text, at timestamp default now()'],
  ])('where %s', async (_, columns) => {
    const { sides } = await twoTables(columns, `(id, name) select n, 'n' || n from generate_series(1, 300) n`)
    expect((await notHashed(sides)).counts.source).toBe(300)
  })

  it('where a rule may refuse values that the database takes', async () => {
    const { sides } = await twoTables(PEOPLE, people(300))
    const { suspects } = await notHashed(sides, { name: map({ n1: 'first' }) })
    expect(suspects).toEqual([])
  })

  it('where a column has two types', async () => {
    const { target, sides } = await twoTables(PEOPLE, people(300))
    await db.query(`alter table ${target} alter column score type text`)
    expect((await notHashed(sides)).suspects).toEqual([])
  })

  it('where one is a view', async () => {
    const { source, target } = await twoTables(PEOPLE, people(300))
    await db.query(`create view seen_${target} as select * from ${target}`)
    expect((await notHashed([side(source), side(`seen_${target}`)])).suspects).toEqual([])
  })

  it('where a declared field is on one side alone, which every record shows', async () => {
    const { target, sides } = await twoTables(PEOPLE, people(20))
    await db.query(`alter table ${target} drop column email`)
    const { suspects } = await notHashed(sides, { email: text() })
    expect(suspects).toHaveLength(20)
  })
})

describe('a table', () => {
  it('says where it can be cut into parts of about the same size', async () => {
    const { source, sides } = await twoTables(PEOPLE, people(20_000))
    await db.query(`analyze ${source}`)
    const ranges = await sides[0].ranges?.(signal)
    expect(ranges?.orders).toEqual(['integer'])
    const keys = (await ranges?.boundaries('integer', 5_000, signal)) ?? []
    expect(keys).toHaveLength(3)
    for (const [at, key] of keys.entries()) {
      expect(Math.abs(Number(key) - 5_000 * (at + 1))).toBeLessThan(2_000)
    }
    expect(await ranges?.boundaries('integer', 15_000, signal)).toEqual([])
  })

  it('lists a range, and goes on behind a position', async () => {
    const { sides } = await twoTables(PEOPLE, people(3_000))
    const range = { order: 'integer', from: '1000', to: '2500' }
    const keys: string[] = []
    for await (const { records } of sides[0].list(signal, { range }))
      keys.push(...records.map(({ key }) => key))
    const expected = Array.from({ length: 1_500 }, (_, n) => String(1_000 + n)).sort()
    expect(keys).toEqual(expected)
    const rest: string[] = []
    for await (const { records } of sides[0].list(signal, { range, after: expected[700] })) {
      rest.push(...records.map(({ key }) => key))
    }
    expect(rest).toEqual(expected.slice(701))
  })

  it('that loses a column in mid-run ends with a clear code', async () => {
    const { target, sides } = await twoTables(PEOPLE, people(40_000))
    const byType = await sides[0].fieldRules?.()
    const offer = await sides[1].digests?.(byType ?? {}, signal)
    await db.query(`alter table ${target} drop column name`)
    const view = await offer?.open({ order: 'integer', from: null, to: null }, ['name'], signal)
    await expect(view?.ranges([{ order: 'integer', from: null, to: null }])).rejects.toMatchObject({
      code: 'column_not_found',
    })
    await view?.close()
  })
})
