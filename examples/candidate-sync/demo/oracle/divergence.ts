import type { Row } from './evidence.ts'

type DivergenceKind = 'missing-in-target' | 'unexpected-in-target' | 'field-mismatch'

/** One candidate on which database and ATS do not agree. */
export interface TrueDivergence {
  readonly key: string
  readonly kind: DivergenceKind
  readonly fields: readonly string[]
}

const TEXT_FIELDS = ['name', 'email', 'phone', 'stage', 'score', 'notes', 'updatedBy'] as const

/** Compares both systems record by record, by plain equality. Ascending by key. */
export function trueDivergences(
  databaseRows: readonly Row[],
  atsRecords: readonly Row[],
): readonly TrueDivergence[] {
  const inDatabase = new Map(databaseRows.map((row) => [String(row.id), row]))
  const inAts = new Map(atsRecords.map((record) => [String(record.id), record]))
  const keys = [...new Set([...inDatabase.keys(), ...inAts.keys()])].sort()
  return keys.flatMap((key): TrueDivergence[] => {
    const row = inDatabase.get(key)
    const record = inAts.get(key)
    if (!record) return [{ key, kind: 'missing-in-target', fields: [] }]
    if (!row) return [{ key, kind: 'unexpected-in-target', fields: [] }]
    const fields = differingFields(row, record)
    return fields.length > 0 ? [{ key, kind: 'field-mismatch', fields }] : []
  })
}

function differingFields(row: Row, record: Row): readonly string[] {
  const differing: string[] = TEXT_FIELDS.filter((field) => row[field] !== record[field])
  if (Date.parse(String(row.updatedAt)) !== Date.parse(String(record.updatedAt))) differing.push('updatedAt')
  return differing.sort()
}
