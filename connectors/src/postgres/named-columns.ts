import { type DeletedMark, type FieldPaths, NOT_DELETED, pathOf } from '../field-paths.ts'
import { type Column, quoted, type Table } from './catalogue.ts'

/** Columns by the names that their fields have; what is nested in one is none. */
export function namedColumns(table: Table, paths: FieldPaths = {}): readonly (readonly [string, Column])[] {
  const names = new Map(
    Object.entries(paths).flatMap(([field, text]) => {
      const [column, ...nested] = pathOf(text)
      return column !== undefined && nested.length === 0 ? [[column, field] as const] : []
    }),
  )
  return table.fields.map((column) => [names.get(column.name) ?? column.name, column] as const)
}

/** SQL of what `deletedReader` says; undefined where only a record itself can tell. */
export function deletedSql(mark: DeletedMark | undefined): string | undefined {
  if (mark === undefined) return 'false'
  const [column, ...nested] = pathOf(typeof mark === 'string' ? mark : mark.path)
  if (column === undefined || nested.length > 0) return undefined
  const values = (texts: readonly string[]) =>
    texts.map((text) => `'${text.replaceAll("'", "''")}'`).join(', ')
  const value = `${quoted(column)}::text`
  return typeof mark === 'string'
    ? `coalesce(${value} not in (${values(NOT_DELETED)}), false)`
    : `coalesce(${value} in (${values(mark.is.map(String))}), false)`
}
