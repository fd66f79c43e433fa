import { ListingError } from '@syncproof/core/comparison'
import { type DeletedMark, type FieldPaths, pathOf } from './field-paths.ts'

/** What tables of every database share. */

/** `crm.candidates` is a table of a schema, `candidates` one of the schema that the connection is in. */
export function splitName(table: string): { readonly schema: string | null; readonly relation: string } {
  const dot = table.indexOf('.')
  return dot < 0
    ? { schema: null, relation: table }
    : { schema: table.slice(0, dot), relation: table.slice(dot + 1) }
}

/** Names of the configuration, beside key and version, that must be columns. */
export function otherColumns({
  fields = {},
  deleted,
}: {
  readonly fields?: FieldPaths
  readonly deleted?: DeletedMark
}): readonly string[] {
  const mark = deleted === undefined ? [] : [typeof deleted === 'string' ? deleted : deleted.path]
  return [...Object.values(fields), ...mark].flatMap((text) => pathOf(text).slice(0, 1))
}

/** The key of a row. @throws ListingError where it has none */
export function keyOfRow(key: unknown, columns: readonly { readonly name: string }[]): string {
  if (typeof key === 'string' && key !== '') return key
  const names = columns.map(({ name }) => name).join(', ')
  throw new ListingError(
    'key_missing',
    `A row of the table has ${key === '' ? 'an empty' : 'no'} ${names}. Name a key column that every row has.`,
  )
}
