import { sql } from 'kysely'
import { booksOf, eventBooks, minutesOf, unaccountedOf } from './books.ts'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { SHADOW_PROJECT } from './shadow-project.ts'
import { rfc3339 } from './sql-text.ts'
import type { Contradicted, Page, PageRequest, ProcessRow, ProcessStore } from './store.ts'

export function processStore(db: Database): ProcessStore {
  return {
    list: (projectId, page) => listProcesses(db, projectId, page),
    minutes: (projectId, processId, page) => minutesOf(db, projectId, processId, page),
    books: () => eventBooks(db),
    inconsistent: () => countInconsistent(db),
  }
}

interface SelectedProcess
  extends Omit<ProcessRow, 'produced' | 'stored' | 'in_flight' | 'unaccounted' | 'inconsistent'> {
  readonly produced: string
  readonly stored: string
  readonly unaccounted: string | null
  readonly inconsistent: string
}

async function listProcesses(db: Database, projectId: string, page: PageRequest): Promise<Page<ProcessRow>> {
  const [time, id] = decodeCursor(page.cursor, [cursorParts.time, cursorParts.uuid]) ?? []
  const { rows } = await sql<SelectedProcess>`
    with process as (
      select * from syncproof.processes
      where project_id = ${projectId} and (${time ?? null}::timestamptz is null
        or (first_seen_at, process_id) < (${time ?? null}::timestamptz, ${id ?? null}::uuid))
      order by first_seen_at desc, process_id desc
      limit ${page.limit + 1})
    select process_id as id, service, release, host, ${rfc3339('process.first_seen_at')} as first_seen_at,
      ${rfc3339('process.last_seen_at')} as last_seen_at, ended, process.dropped, process.stored, inconsistent,
      -- A process that crashed before it could report its books had produced at least what arrived.
      greatest(process.produced, coalesce(upper(process.seen), 0)) as produced, books.unaccounted
    from process
    ${unaccountedOf('process')}
    order by process.first_seen_at desc, process_id desc`.execute(db)
  return toPage(rows, page.limit, toProcess, (row) => [row.first_seen_at, row.id])
}

function toProcess({ produced, stored, unaccounted, inconsistent, ...row }: SelectedProcess): ProcessRow {
  const totals = { produced: Number(produced), stored: Number(stored), dropped: row.dropped }
  const books = booksOf(row.id, totals, Number(unaccounted ?? 0))
  return { ...row, ...books, stored: totals.stored, inconsistent: Number(inconsistent) }
}

async function countInconsistent(db: Database): ReturnType<ProcessStore['inconsistent']> {
  const { rows } = await sql<{ contradicts: Contradicted; count: string }>`
    select contradicts, count(*) from syncproof.inconsistent_events
    where project_id <> ${SHADOW_PROJECT} group by contradicts
    union all
    select 'content', count(*) from syncproof.inconsistent_copies where project_id <> ${SHADOW_PROJECT}`.execute(
    db,
  )
  return rows.map(({ contradicts, count }) => ({ contradicts, count: Number(count) }))
}
