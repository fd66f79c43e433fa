import { ListingError } from '@syncproof/core/comparison'
import { keyNames } from '../compound-key.ts'
import { didYouMean } from '../suggest.ts'
import { otherColumns, splitName } from '../tables.ts'
import { type ColumnType, columnType } from './column-type.ts'
import type { MysqlTable } from './mysql.ts'
import type { Session } from './session.ts'

export interface Column {
  readonly name: string
  readonly dataType: string
  readonly isUnsigned: boolean
  readonly type: ColumnType
  /** Undefined for what is no text. */
  readonly collation: string | undefined
}

/** A table as the catalogue knows it; every name in it may be quoted and used. */
export interface Table {
  /** Quoted, with its database. */
  readonly sqlName: string
  readonly keys: readonly Column[]
  readonly version: Column | undefined
  /** All columns but key and version. */
  readonly fields: readonly Column[]
  /** The key has one column, and an index begins with it. */
  readonly isIndexed: boolean
}

/** Looks a table and its columns up, so that no name of the configuration reaches SQL unless the database has it.
 *  @throws ListingError `table_not_found`, `column_not_found`, with what there is */
export async function readTable(session: Session, options: MysqlTable): Promise<Table> {
  const { schema, relation } = splitName(options.table)
  const rows = await session.query(COLUMNS, [relation, schema])
  const [first] = rows
  if (first === undefined) throw await tableNotFound(session, options.table)
  const columns = rows.map((row): Column => {
    const dataType = String(row.data_type).toLowerCase()
    const whole = String(row.column_type).toLowerCase()
    return {
      name: String(row.name),
      dataType,
      isUnsigned: whole.includes('unsigned'),
      type: columnType(dataType, whole, options.timestampZone),
      collation: typeof row.collation === 'string' ? row.collation : undefined,
    }
  })
  const find = (name: string) => {
    const column = columns.find((candidate) => candidate.name === name)
    if (column) return column
    const existing = columns.map((candidate) => candidate.name)
    throw new ListingError(
      'column_not_found',
      `The table ${options.table} has no column '${name}'.${didYouMean(name, existing)} It has: ${existing.join(', ')}.`,
    )
  }
  for (const name of otherColumns(options)) find(name)
  const keys = keyNames(options.key).map(find)
  const version = options.version === undefined ? undefined : find(options.version)
  const schemaName = String(first.table_schema)
  const [key] = keys
  const indexes = await session.query(INDEXES, [schemaName, relation, key?.name ?? ''])
  return {
    sqlName: `${quoted(schemaName)}.${quoted(relation)}`,
    keys,
    version,
    fields: columns.filter((column) => !keys.includes(column) && column !== version),
    isIndexed: keys.length === 1 && indexes.length > 0,
  }
}

export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

const COLUMNS = `
  select table_schema as table_schema, column_name as name, data_type as data_type, column_type as column_type,
    collation_name as collation
  from information_schema.columns
  where table_name = ? and table_schema = coalesce(?, database())
  order by ordinal_position`

const INDEXES = `
  select index_name as name from information_schema.statistics
  where table_schema = ? and table_name = ? and column_name = ? and seq_in_index = 1 and index_type = 'BTREE' limit 1`

const TABLES_SHOWN_MAX = 20

async function tableNotFound(session: Session, table: string): Promise<ListingError> {
  const rows = await session.query(
    'select table_name as name from information_schema.tables where table_schema = database() order by 1 limit 1000',
  )
  const existing = rows.map((row) => String(row.name))
  const shown = existing.slice(0, TABLES_SHOWN_MAX).join(', ')
  const more = existing.length > TABLES_SHOWN_MAX ? ` and ${existing.length - TABLES_SHOWN_MAX} more` : ''
  const there =
    existing.length === 0 ? 'The database has no table that this user may see.' : `It has: ${shown}${more}.`
  return new ListingError(
    'table_not_found',
    `The database has no table '${table}'.${didYouMean(table, existing)} ${there}`,
  )
}
