import { type SqlBool, sql } from 'kysely'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { SHADOW_PROJECT } from './shadow-project.ts'
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
  const missing = await countMissing(db, projectId, rows)
  return toPage(
    rows,
    page.limit,
    (row) => toSection(row, missing.get(releaseOf(row)) ?? 0),
    (row) => [row.first_seen_at, row.id],
  )
}

/** A process that is silent for so long, three missed heartbeats of an SDK, sends no more of what it has produced. */
const SILENT_S = 30

/** Events that are not here, by service and release. */
async function countMissing(
  db: Database,
  projectId: string,
  rows: readonly Pick<SectionRow, 'service' | 'release'>[],
): Promise<ReadonlyMap<string, number>> {
  if (rows.length === 0) return new Map()
  const found = await sql<{ service: string; release: string | null; missing: string }>`
    select service, release, sum(lost + case
      when ended or last_seen_at < clock_timestamp() - make_interval(secs => ${SILENT_S})
      then greatest(0, greatest(produced, coalesce(upper(seen), 0)) - stored - lost) else 0 end) as missing
    from syncproof.processes
    cross join lateral (select coalesce(sum(value::numeric), 0) as lost from jsonb_each_text(dropped)) as books
    where project_id = ${projectId} and service = any(${[...new Set(rows.map(({ service }) => service))]}::text[])
    group by service, release`.execute(db)
  return new Map(found.rows.map((row) => [releaseOf(row), Number(row.missing)]))
}

function releaseOf({ service, release }: Pick<SectionRow, 'service' | 'release'>): string {
  return JSON.stringify([service, release])
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
type Selected = Omit<SectionRow, 'entered' | 'void' | 'events_missing' | Counts> &
  Readonly<Record<Counts, string>>

function toSection(row: Selected, missing: number): SectionRow {
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
    events_missing: missing,
    first_seen_at: row.first_seen_at,
    last_seen_at: row.last_seen_at,
  }
}

async function countRuns(db: Database): ReturnType<SectionStore['counts']> {
  const { rows } = await sql<{ name: string; held: string; not_held: string; unknown: string }>`
    select name, sum(held) as held, sum(not_held) as not_held, sum(unknown) as unknown
    from syncproof.sections
    where project_id <> ${SHADOW_PROJECT}
    group by name
    order by name`.execute(db)
  return rows.map(({ name, held, not_held, unknown }) => ({
    name,
    held: Number(held),
    not_held: Number(not_held),
    unknown: Number(unknown),
  }))
}
