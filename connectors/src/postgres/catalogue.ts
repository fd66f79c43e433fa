import { ListingError } from '@syncproof/core/comparison'
import { type KeyNames, keyNames } from '../compound-key.ts'
import { didYouMean } from '../suggest.ts'
import { splitName } from '../tables.ts'
import { type ColumnType, columnType } from './column-type.ts'
import type { Snapshot } from './snapshot.ts'

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** Its type as SQL spells it, for casts. */
  readonly sqlType: string
  /** The name in pg_type, domains followed to their base; of an array its own, such as `_text`. */
  readonly baseType: string
  readonly isArray: boolean
  readonly isNotNull: boolean
  /** The most digits after the point of a numeric; undefined where it has no bound. */
  readonly scale: number | undefined
}

/** A table as the catalogue knows it; every name in it may be quoted and used. */
export interface Table {
  /** Quoted and schema-qualified. */
  readonly sqlName: string
  /** Of a key of several parts, each. */
  readonly keys: readonly Column[]
  readonly version: Column | undefined
  /** All columns but key and version. */
  readonly fields: readonly Column[]
}

export interface TableNames {
  readonly table: string
  readonly key: KeyNames
  readonly version?: string | undefined
  /** Others that must be there. */
  readonly others: readonly string[]
}

/** Looks a table and its columns up in the catalogue, so that no name of the configuration reaches SQL unless
 *  the database has it.
 *  @throws ListingError `table_not_found`, `column_not_found`, with what there is */
export async function readTable(snapshot: Snapshot, names: TableNames): Promise<Table> {
  const { schema, relation } = splitName(names.table)
  const rows = await snapshot.query(COLUMNS, [relation, schema])
  const [first] = rows
  if (first === undefined) throw await tableNotFound(snapshot, names.table)
  const columns = rows.map((row) => ({
    name: String(row.name),
    type: columnType(String(row.base_type), row.is_array === 'yes'),
    sqlType: String(row.sql_type),
    baseType: String(row.base_type),
    isArray: row.is_array === 'yes',
    isNotNull: row.is_not_null === 'yes',
    scale: typeof row.scale === 'string' ? Number(row.scale) : undefined,
  }))
  const find = (name: string) => {
    const column = columns.find((candidate) => candidate.name === name)
    if (column) return column
    const existing = columns.map((candidate) => candidate.name)
    throw new ListingError(
      'column_not_found',
      `The table ${names.table} has no column '${name}'.${didYouMean(name, existing)} It has: ${existing.join(', ')}.`,
    )
  }
  const keys = keyNames(names.key).map(find)
  const version = names.version === undefined ? undefined : find(names.version)
  for (const name of names.others) find(name)
  return {
    sqlName: `${quoted(String(first.schema))}.${quoted(relation)}`,
    keys,
    version,
    fields: columns.filter((column) => !keys.includes(column) && column !== version),
  }
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Columns of one relation with the type that each is in the end: a domain is followed down to its base. */
const COLUMNS = `
  with recursive relation as (
    select c.oid, n.nspname
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relname = $1::text
      and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and case when $2::text is null then pg_catalog.pg_table_is_visible(c.oid) else n.nspname = $2::text end
  ), typed as (
    select a.attnum, a.attname, a.atttypid as declared, a.atttypid as current, a.attnotnull, a.atttypmod as modifier
    from relation r join pg_catalog.pg_attribute a on a.attrelid = r.oid
    where a.attnum > 0 and not a.attisdropped
    union all
    select typed.attnum, typed.attname, typed.declared, t.typbasetype, typed.attnotnull,
      case when typed.modifier < 0 then t.typtypmod else typed.modifier end
    from typed join pg_catalog.pg_type t on t.oid = typed.current
    where t.typtype = 'd'
  )
  select r.nspname::text as schema, typed.attname::text as name, t.typname::text as base_type,
    case t.typcategory when 'A' then 'yes' end as is_array, case when typed.attnotnull then 'yes' end as is_not_null,
    case when t.typname = 'numeric' and typed.modifier >= 4 then ((typed.modifier - 4) & 2047)::text end as scale,
    pg_catalog.format_type(typed.declared, -1) as sql_type
  from relation r cross join typed join pg_catalog.pg_type t on t.oid = typed.current
  where t.typtype <> 'd'
  order by typed.attnum`

const TABLES_SHOWN_MAX = 20

const TABLES = `
  select case when pg_catalog.pg_table_is_visible(c.oid) then c.relname else n.nspname || '.' || c.relname end as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%'
  order by 1 limit 1000`

async function tableNotFound(snapshot: Snapshot, table: string): Promise<ListingError> {
  const existing = (await snapshot.query(TABLES)).map((row) => String(row.name))
  const shown = existing.slice(0, TABLES_SHOWN_MAX).join(', ')
  const more = existing.length > TABLES_SHOWN_MAX ? ` and ${existing.length - TABLES_SHOWN_MAX} more` : ''
  const there = existing.length === 0 ? 'The database has no table.' : `It has: ${shown}${more}.`
  return new ListingError(
    'table_not_found',
    `The database has no table '${table}'.${didYouMean(table, existing)} ${there}`,
  )
}
