import type { KeyRange } from '@syncproof/core/comparison'
import { quoted, type Table } from './catalogue.ts'
import type { Encoding } from './encodings.ts'
import type { KeyIndex } from './key-index.ts'
import { inRange } from './statements.ts'

interface Statement {
  readonly sql: string
  readonly values: unknown[]
}

/** What the digests of a table are made of. */
export interface Hashed {
  readonly table: Table
  readonly index: KeyIndex
  /** How the values of each field are encoded, in one order on both sides. */
  readonly columns: readonly { readonly name: string; readonly encoding: Encoding }[]
  /** SQL of whether the table calls a row deleted. */
  readonly isDeleted: string
}

/** Of SHA-256, as base64 without padding. */
const DIGEST_BYTES = 18

/** `record_send` writes how many columns there are, and each with its type and its length, null as -1: no two rows have the
 *  same bytes, nor have two lists of rows. Its column types are PostgreSQL's own, which have one number everywhere. */
function image({ table, index, columns, isDeleted }: Hashed): string {
  const key = `${index.column}::${keyEncoding(table)}`
  const values = columns.map(({ name, encoding }) => encoding.value(quoted(name)))
  return `pg_catalog.record_send(row(${[key, isDeleted, ...values].join(', ')}))`
}

function isSure({ columns }: Hashed): string {
  // a null is read by every rule
  const conditions = columns.flatMap(({ name, encoding: { sure } }) =>
    sure ? [`coalesce(${sure(quoted(name))}, true)`] : [],
  )
  return conditions.length === 0 ? 'true' : conditions.join(' and ')
}

const KEY_TYPES: Readonly<Record<string, string>> = { int2: 'int8', int4: 'int8', int8: 'int8', uuid: 'uuid' }

/** The type of a key as digests see it: whole numbers of any width alike. */
export function keyEncoding({ keys }: Table): string {
  return KEY_TYPES[keys[0]?.baseType ?? ''] ?? 'text'
}

const digest = (bytes: string) =>
  `pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256(${bytes}), 1, ${DIGEST_BYTES}), 'base64')`
/** Rows come in the order of their subquery. */
const digestOfRows = `case when bool_and(r.is_sure) then ${digest(`string_agg(r.image, ''::bytea)`)} end as digest`

/** The first groups of a range, and the key behind them. Rows: `first_key`, and of groups that another one follows their
 *  digest. Where groups begin is found in the index alone, a step a group: counting rows as they are hashed takes twice as
 *  long. */
export function selectGroups(
  hashed: Hashed,
  range: KeyRange,
  groupRecords: number,
  groupsMax: number,
): Statement {
  const { table, index } = hashed
  const key = index.column
  const values: unknown[] = []
  const where = whereInRange(key, range, index, values)
  const behind = [
    `${key} > step.key`,
    ...inRange(key, { ...range, from: null }, index, (value) => `$${values.push(value)}::text`),
  ].join(' and ')
  const from = `from ${table.sqlName} t`
  return {
    sql: `
      with recursive step as (
        (select ${key} as key, 0 as n ${from} ${where} order by ${key} limit 1)
        union all
        select (select ${key} ${from} where ${behind} order by ${key} offset ${groupRecords - 1} limit 1), n + 1
        from step where step.key is not null and n < ${groupsMax}
      ), bounds as (
        select key as lower_bound, lead(key) over (order by n) as upper_bound, n from step where key is not null
      )
      select bounds.lower_bound::text as first_key, d.records, d.digest from bounds
      left join lateral (select ${rangeDigest(hashed, withinBounds(hashed))}) d on bounds.upper_bound is not null
      order by bounds.n`,
    values,
  }
}

/** One range. */
export function selectRange(hashed: Hashed, range: KeyRange): Statement {
  const values: unknown[] = []
  const where = whereInRange(hashed.index.column, range, hashed.index, values)
  return { sql: `select ${rangeDigest(hashed, where)}`, values }
}

/** Ranges with both bounds, in the order in which they are given: `$1` the lower, `$2` the upper ones. */
export function selectRanges(hashed: Hashed): string {
  return `
    select d.records, d.digest from ${boundsOf(hashed)}
    cross join lateral (select ${rangeDigest(hashed, withinBounds(hashed))}) d order by bounds.n`
}

function rangeDigest(hashed: Hashed, where: string): string {
  const key = hashed.index.column
  return `count(*)::text as records, ${digestOfRows}
    from (select ${image(hashed)} as image, ${isSure(hashed)} as is_sure from ${hashed.table.sqlName} t ${where} order by ${key}) r`
}

/** Each record of one range. */
export function selectRecords(hashed: Hashed, range: KeyRange): Statement {
  const values: unknown[] = []
  const where = whereInRange(hashed.index.column, range, hashed.index, values)
  return { sql: `select ${recordDigest(hashed)} from ${hashed.table.sqlName} t ${where}`, values }
}

/** Each record of ranges with both bounds. */
export function selectRecordsOf(hashed: Hashed): string {
  return `select r.key, r.digest from ${boundsOf(hashed)}
    cross join lateral (select ${recordDigest(hashed)} from ${hashed.table.sqlName} t ${withinBounds(hashed)}) r`
}

function recordDigest(hashed: Hashed): string {
  return `${hashed.index.column}::text as key, case when ${isSure(hashed)} then ${digest(image(hashed))} end as digest`
}

function boundsOf({ index }: Hashed): string {
  return `(select n, ${index.fromText('lower_bound')} as lower_bound, ${index.fromText('upper_bound')} as upper_bound
    from rows from (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) with ordinality as u(lower_bound, upper_bound, n)) bounds`
}

function withinBounds({ index: { column: key } }: Hashed): string {
  return `where ${key} >= bounds.lower_bound and ${key} < bounds.upper_bound`
}

function whereInRange(key: string, range: KeyRange, index: KeyIndex, values: unknown[]): string {
  const conditions = inRange(key, range, index, (value) => `$${values.push(value)}::text`)
  return conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`
}
