import type { DumpEvent, DumpMark, DumpProcess } from '@syncproof/core/contract'
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { cursorParts, decodeCursor, encodeCursor } from './cursor.ts'
import type { Database, Tx } from './database.ts'
import { firstIdAt, isEntity } from './sql-text.ts'
import type { DumpPage, EventFilter } from './store.ts'

/** Events that are looked at for one page, whether they are asked for or not: a page takes some ten milliseconds, and
 *  whoever reads a filtered export hears something every page. */
const SCANNED_MAX = 500

const FIRST_ID = '00000000-0000-0000-0000-000000000000'
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** `consistent` ones first: whoever stores them again in this order believes the same ones. */
type Part = 'consistent' | 'inconsistent'
const PARTS = /^(?:in)?consistent$/

interface Scan {
  readonly projectId: string
  readonly filter: EventFilter
  readonly after: string
}

/** See `DumpStore.page`. */
export async function exportPage(
  db: Database,
  projectId: string,
  filter: EventFilter,
  cursor: string | undefined,
): Promise<DumpPage> {
  const [part = 'consistent', after = FIRST_ID] = decodeCursor(cursor, [PARTS, cursorParts.uuid]) ?? []
  return db.transaction().execute(async (tx) => {
    await alongTheIndex(tx)
    const scan = { projectId, filter, after }
    const rows = part === 'consistent' ? await scanEvents(tx, scan) : await scanMarked(tx, scan)
    const events = rows.flatMap(toDumpEvent)
    const ids = [...new Set(events.map(({ process_id }) => process_id))]
    return {
      processes: await processesOf(tx, projectId, ids),
      events,
      next_cursor: nextCursor(part as Part, rows),
    }
  })
}

/** A partition that was never analyzed looks as if a bitmap and a sort were cheap; each page would then read all that
 *  follows. */
async function alongTheIndex(tx: Tx): Promise<void> {
  await sql`select set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
    set_config('enable_sort', 'off', true)`.execute(tx)
}

interface ScannedRow {
  readonly id: string
  readonly process_id: string
  /** Null where it is not asked for. */
  readonly payload: DumpEvent['event'] | null
  readonly contradicts?: DumpMark['contradicts'] | null
  readonly contradicted_id?: string | null
}

/** Those that contradict others wait for their turn. */
async function scanEvents(tx: Tx, { projectId, filter, after }: Scan): Promise<readonly ScannedRow[]> {
  const { entity } = filter
  const { rows } = await sql<ScannedRow>`
    with scanned as (
      select id, process_id, operation_id, kind, payload
      from syncproof.events
      where project_id = ${projectId} and id > ${after} and ${inTime(filter)}
        and ${entity === undefined ? sql<SqlBool>`true` : isEntity(entity)}
      order by id limit ${SCANNED_MAX})
    select id, process_id,
      case when ${isAskedFor(projectId, filter)} and not exists (
        select from syncproof.inconsistent_events as marked
        where marked.project_id = ${projectId} and marked.event_id = scanned.id) then payload end as payload
    from scanned
    order by id`.execute(tx)
  return rows
}

async function scanMarked(tx: Tx, { projectId, filter, after }: Scan): Promise<readonly ScannedRow[]> {
  const { entity } = filter
  const { rows } = await sql<ScannedRow>`
    with marked as (
      select event_id, contradicts, contradicted_id
      from syncproof.inconsistent_events
      where project_id = ${projectId} and event_id > ${after}
      order by event_id limit ${SCANNED_MAX}),
    scanned as (
      select marked.*, event.*
      from marked
      left join lateral (
        select id, process_id, operation_id, kind, payload, entity_hash, entity_type, entity_id
        from syncproof.events where project_id = ${projectId} and id = event_id
        order by id limit 1) as event on true)
    select event_id as id, process_id, contradicts, contradicted_id,
      case when ${isAskedFor(projectId, filter)} and ${inTime(filter)}
        and ${entity === undefined ? sql<SqlBool>`true` : isEntity(entity)} then payload end as payload
    from scanned
    order by event_id`.execute(tx)
  return rows
}

function inTime({ since, until }: EventFilter): RawBuilder<SqlBool> {
  const from = since === undefined ? FIRST_ID : firstIdAt(Date.parse(since))
  const to = until === undefined ? LAST_ID : firstIdAt(Date.parse(until))
  return sql<SqlBool>`(id >= ${from} and id < ${to})`
}

/** What was erased is an empty row, and nobody's. */
function isAskedFor(projectId: string, { operation, kind }: EventFilter): RawBuilder<SqlBool> {
  const isKind = kind === undefined ? sql`kind <> 'erased'` : sql`kind = ${kind} and kind <> 'erased'`
  if (operation === undefined) return sql<SqlBool>`(${isKind})`
  return sql<SqlBool>`(${isKind} and exists (
    select from syncproof.operations as operation
    where operation.project_id = ${projectId} and operation.operation_id = scanned.operation_id
      and operation.name = ${operation}))`
}

function toDumpEvent(row: ScannedRow): readonly DumpEvent[] {
  const { process_id, payload, contradicts, contradicted_id } = row
  if (payload === null) return []
  const event = { type: 'event', process_id, event: payload } as const
  return contradicts
    ? [{ ...event, inconsistent: { contradicts, event_id: contradicted_id ?? null } }]
    : [event]
}

function nextCursor(part: Part, rows: readonly ScannedRow[]): string | null {
  const last = rows.at(-1)
  if (last !== undefined && rows.length === SCANNED_MAX) return encodeCursor([part, last.id])
  return part === 'consistent' ? encodeCursor(['inconsistent', FIRST_ID]) : null
}

async function processesOf(
  tx: Tx,
  projectId: string,
  ids: readonly string[],
): Promise<readonly DumpProcess[]> {
  if (ids.length === 0) return []
  const { rows } = await sql<Omit<DumpProcess, 'type' | 'inconsistent'> & { readonly inconsistent: string }>`
    select jsonb_strip_nulls(jsonb_build_object('id', process_id, 'service', service, 'release', release,
        'host', host, 'clock', clock, 'books', jsonb_build_object('produced', produced, 'dropped', dropped)))
        as process,
      ${instantOf('first_seen_at')} as first_seen_at, ${instantOf('last_seen_at')} as last_seen_at, inconsistent
    from syncproof.processes
    where project_id = ${projectId} and process_id = any(${ids}::uuid[])
    order by process_id`.execute(tx)
  return rows.map((row) => ({ type: 'process', ...row, inconsistent: Number(row.inconsistent) }))
}

function instantOf(column: string): RawBuilder<string> {
  return sql`to_char(${sql.ref(column)} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
}
