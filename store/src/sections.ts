import { type SqlBool, sql } from 'kysely'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { rfc3339 } from './sql-text.ts'
import type { Page, PageRequest, SectionFilter, SectionRow, SectionStore } from './store.ts'

export function sectionStore(db: Database): SectionStore {
  return {
    list: (projectId, filter, page) => listSections(db, projectId, filter, page),
    counts: () => countRuns(db),
  }
}

async function listSections(
  db: Database,
  projectId: string,
  { name, service, release, since }: SectionFilter,
  page: PageRequest,
): Promise<Page<SectionRow>> {
  const after = decodeCursor(page.cursor, [cursorParts.time, cursorParts.text])
  let query = db.selectFrom('syncproof.sections').select(columns).where('project_id', '=', projectId)
  if (name !== undefined) query = query.where('name', '=', name)
  if (service !== undefined) query = query.where('service', '=', service)
  if (release !== undefined) query = query.where('release', '=', release)
  if (since !== undefined) query = query.where('last_seen_at', '>=', since)
  if (after) query = query.where(sql<SqlBool>`(first_seen_at, id) < (${after[0]}::timestamptz, ${after[1]})`)
  const rows = await query
    .orderBy('syncproof.sections.first_seen_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit + 1)
    .execute()
  return toPage(rows, page.limit, toSection, (row) => [row.first_seen_at, row.id])
}

const columns = [
  'id',
  'name',
  'service',
  'release',
  'protections',
  'held',
  'not_held',
  'unknown',
  'foreign_version',
  'overlap',
  'holds_nothing',
  'undecided',
  rfc3339('first_seen_at').as('first_seen_at'),
  rfc3339('last_seen_at').as('last_seen_at'),
] as const

type Counts = 'held' | 'not_held' | 'unknown' | 'foreign_version' | 'overlap' | 'holds_nothing' | 'undecided'
type Selected = Omit<SectionRow, 'entered' | 'void' | Counts> & Readonly<Record<Counts, string>>

function toSection(row: Selected): SectionRow {
  const [held, notHeld, unknown] = [Number(row.held), Number(row.not_held), Number(row.unknown)]
  return {
    name: row.name,
    service: row.service,
    release: row.release,
    protections: row.protections,
    entered: held + notHeld + unknown,
    held,
    not_held: notHeld,
    unknown,
    void: {
      foreign_version: Number(row.foreign_version),
      overlap: Number(row.overlap),
      holds_nothing: Number(row.holds_nothing),
      undecided: Number(row.undecided),
    },
    first_seen_at: row.first_seen_at,
    last_seen_at: row.last_seen_at,
  }
}

async function countRuns(db: Database): ReturnType<SectionStore['counts']> {
  const { rows } = await sql<{ name: string; held: string; not_held: string; unknown: string }>`
    select name, sum(held) as held, sum(not_held) as not_held, sum(unknown) as unknown
    from syncproof.sections
    group by name
    order by name`.execute(db)
  return rows.map(({ name, held, not_held, unknown }) => ({
    name,
    held: Number(held),
    not_held: Number(not_held),
    unknown: Number(unknown),
  }))
}
