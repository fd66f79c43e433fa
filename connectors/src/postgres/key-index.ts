import type { KeyOrder } from '@syncproof/core/comparison'
import { type Column, quoted, type Table } from './catalogue.ts'
import type { Snapshot } from './snapshot.ts'

/** How ranges of keys are found in a table. */
export interface KeyIndex {
  /** The key's column, quoted. */
  readonly column: string
  readonly order: KeyOrder
  /** One key is one record, and every record has one. */
  readonly isUnique: boolean
  /** SQL of a key made from text. */
  fromText(text: string): string
  /** Roughly, how many rows there are. */
  readonly records: number
}

/** What the table's indexes make of its key; undefined where no index finds a range of it: a view, a foreign table, a key
 *  of several parts or without an index, one that is compared otherwise than it is stored. */

export async function readKeyIndex(
  snapshot: Snapshot,
  { sqlName, keys }: Table,
): Promise<KeyIndex | undefined> {
  const [key, ...others] = keys
  if (key === undefined || others.length > 0) return undefined
  const [row] = await snapshot.query(KEY_INDEX, [sqlName, key.name])
  if (row === undefined || row.is_indexed !== 'yes') return undefined
  const order = orderOf(key, row)
  if (order === undefined) return undefined
  return {
    column: quoted(key.name),
    order,
    isUnique: row.is_unique === 'yes' && key.isNotNull,
    // where a column has a collation of its own, it wins over that of the parameter
    fromText: (text) => `${text}::${key.sqlType}`,
    records: await countRoughly(snapshot, sqlName, Number(row.records)),
  }
}

/** Never analysed: then it is counted. */
async function countRoughly(snapshot: Snapshot, sqlName: string, estimate: number): Promise<number> {
  if (estimate > 0) return estimate
  const [row] = await snapshot.query(`select count(*)::text as records from ${sqlName}`)
  return Number(row?.records)
}

/** Keys of a sample for each part: their places are then some seven hundredths of a part off. */
const SAMPLED_PER_PART = 200

/** Keys that cut the table into parts of about the same size. It reads a few blocks of the table. */
export async function sampleKeys(
  snapshot: Snapshot,
  table: Table,
  { column: key, records }: KeyIndex,
  parts: number,
): Promise<readonly string[]> {
  // blocks hold neighbours, so that many more rows than are wanted must be drawn
  const percent = Math.min(100, Math.max(1, (100 * 10 * parts * SAMPLED_PER_PART) / records))
  const rows = await snapshot.query(
    `select key from (
        select ${key}::text as key, row_number() over (order by ${key}) as n, count(*) over () as drawn
        from ${table.sqlName} tablesample system (${percent}) repeatable (1)) drawn
      where n % greatest(1, drawn / ${parts}) = 0 order by n limit ${parts - 1}`,
  )
  return rows.map((row) => String(row.key))
}

const INTEGERS = new Set(['int2', 'int4', 'int8'])
const TEXTS = new Set(['text', 'varchar'])

function orderOf(key: Column, row: Record<string, unknown>): KeyOrder | undefined {
  if (key.isArray) return undefined
  if (INTEGERS.has(key.baseType)) return 'integer'
  // its text is lower-case hexadecimal digits of its bytes
  if (key.baseType === 'uuid') return 'bytes'
  return TEXTS.has(key.baseType) ? collationOrder(row) : undefined
}

/** By the catalogue's own rows: their columns have other names in other releases. */
function collationOrder(row: Record<string, unknown>): KeyOrder | undefined {
  const collation = members(row.collation)
  // where it is not deterministic, equal keys have different bytes
  if (collation.collisdeterministic === false) return undefined
  return collation.collprovider === 'd'
    ? nameOf(members(row.database), 'dat', 'datlocprovider')
    : nameOf(collation, 'coll', 'collprovider')
}

function nameOf(row: Record<string, unknown>, prefix: string, provider: string): KeyOrder | undefined {
  const by = row[provider] ?? 'c'
  const locale = row[`${prefix}locale`] ?? row[`${prefix}iculocale`]
  const name = String(by === 'c' ? row[`${prefix}collate`] : locale)
  if (name === 'C' || name === 'POSIX') return 'bytes'
  // by code points, on every system
  if (/^C\.utf-?8$/i.test(name)) return 'bytes'
  const version = row[`${prefix}collversion`] ?? row[`${prefix}version`]
  return typeof version === 'string' ? `postgres ${by} ${name} ${version}` : undefined
}

function members(text: unknown): Record<string, unknown> {
  return typeof text === 'string' ? JSON.parse(text) : {}
}

const KEY_INDEX = `
  with used as (
    select i.indisunique and i.indnkeyatts = 1 as is_unique
    from pg_catalog.pg_index i
      join pg_catalog.pg_class x on x.oid = i.indexrelid
      join pg_catalog.pg_am m on m.oid = x.relam
      join pg_catalog.pg_opclass o on o.oid = i.indclass[0]
      join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = $1::text::regclass and a.attname = $2::text and m.amname = 'btree' and o.opcdefault
      and i.indisvalid and i.indpred is null and i.indcollation[0] = a.attcollation
  )
  select c.reltuples::text as records,
    case when exists (select from used) then 'yes' end as is_indexed,
    case when exists (select from used where is_unique) then 'yes' end as is_unique,
    pg_catalog.to_jsonb(l)::text as collation,
    pg_catalog.to_jsonb(d)::text as database
  from pg_catalog.pg_class c
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $2::text
    left join pg_catalog.pg_collation l on l.oid = a.attcollation
    join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
  where c.oid = $1::text::regclass and c.relkind in ('r', 'p')`
