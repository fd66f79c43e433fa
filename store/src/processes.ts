import { type SqlBool, sql } from 'kysely'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { rfc3339 } from './sql-text.ts'
import type { Contradicted, ProcessRow, ProcessStore } from './store.ts'

export function processStore(db: Database): ProcessStore {
  return {
    inconsistent: () => countInconsistent(db),
    async list(projectId, page) {
      const after = decodeCursor(page.cursor, [cursorParts.time, cursorParts.uuid])
      let query = db
        .selectFrom('syncproof.processes')
        .select(processColumns)
        .where('project_id', '=', projectId)
      if (after) {
        query = query.where(
          sql<SqlBool>`(first_seen_at, process_id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
        )
      }
      const rows = await query
        .orderBy('syncproof.processes.first_seen_at', 'desc')
        .orderBy('process_id', 'desc')
        .limit(page.limit + 1)
        .execute()
      return toPage(rows, page.limit, toProcess, (row) => [row.first_seen_at, row.id])
    },
  }
}

const processColumns = [
  'process_id as id',
  'service',
  'release',
  'host',
  rfc3339('first_seen_at').as('first_seen_at'),
  rfc3339('last_seen_at').as('last_seen_at'),
  'ended',
  'dropped',
  // A process that crashed before it could report its books had produced at least what arrived.
  sql<string>`greatest(produced, coalesce(upper(seen), 0))`.as('produced'),
  'stored',
  'inconsistent',
] as const

interface SelectedProcess extends Omit<ProcessRow, 'produced' | 'stored' | 'unaccounted' | 'inconsistent'> {
  readonly produced: string
  readonly stored: string
  readonly inconsistent: string
}

function toProcess(row: SelectedProcess): ProcessRow {
  const produced = Number(row.produced)
  const stored = Number(row.stored)
  const dropped = Object.values(row.dropped).reduce((sum, count) => sum + count, 0)
  const inconsistent = Number(row.inconsistent)
  return { ...row, produced, stored, unaccounted: Math.max(0, produced - stored - dropped), inconsistent }
}

async function countInconsistent(db: Database): ReturnType<ProcessStore['inconsistent']> {
  const { rows } = await sql<{ contradicts: Contradicted; count: string }>`
    select contradicts, count(*) from syncproof.inconsistent_events group by contradicts
    union all
    select 'content', count(*) from syncproof.inconsistent_copies`.execute(db)
  return rows.map(({ contradicts, count }) => ({ contradicts, count: Number(count) }))
}
