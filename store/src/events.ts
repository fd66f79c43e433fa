import {
  type EntityRef,
  type OpaqueEvent,
  type ProcessReport,
  type StoredEvent,
  type SyncproofEvent,
  uuidV7TimeMs,
} from '@syncproof/core/contract'
import { sql } from 'kysely'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { sqlState } from './errors.ts'
import { firstIdAt, isEntity } from './sql-text.ts'
import type { EventStore, Page, PageRequest } from './store.ts'

const ENTITY_EVENTS_MAX = 5_000

export function eventStore(db: Database): EventStore {
  return {
    append: (projectId, process, events) => append(db, projectId, process, events),
    timeline: (projectId, entity, page) => timeline(db, projectId, entity, page),
    ofEntity: (projectId, entity, sinceMs) => entityEvents(db, projectId, entity, sinceMs),
  }
}

type AnyEvent = SyncproofEvent | OpaqueEvent
type Appended = { readonly accepted: number; readonly duplicates: number }

async function append(
  db: Database,
  projectId: string,
  process: ProcessReport,
  events: readonly AnyEvent[],
): Promise<Appended> {
  try {
    return await appendOnce(db, projectId, process, events)
  } catch (error) {
    // 23514: no partition takes one of these ids, as with the first event of a day. Partitions are made when
    // they are missed instead of remembered: what is remembered may have expired.
    if (sqlState(error) !== '23514') throw error
    await sql`select syncproof.ensure_event_partitions(${daysOf(events)}::date[])`.execute(db)
    return await appendOnce(db, projectId, process, events)
  }
}

/** One statement, autocommitted: the lane's lock is held no longer than the server itself needs. */
async function appendOnce(
  db: Database,
  projectId: string,
  process: ProcessReport,
  events: readonly AnyEvent[],
): Promise<Appended> {
  const { rows } = await sql<Appended>`
    select accepted, duplicates
    from syncproof.append_events(${projectId}, ${JSON.stringify(process)}, ${JSON.stringify(events)})`.execute(
    db,
  )
  const [row] = rows
  if (!row) throw new Error('append_events returned nothing')
  return row
}

function daysOf(events: readonly AnyEvent[]): string[] {
  const days = events.map((event) => new Date(uuidV7TimeMs(event.id) ?? 0).toISOString().slice(0, 10))
  return [...new Set(days)]
}

interface EventRow {
  readonly id: string
  readonly process_id: string
  readonly payload: Omit<StoredEvent, 'process_id'>
}

export function toStoredEvent(row: Pick<EventRow, 'process_id' | 'payload'>): StoredEvent {
  return { ...row.payload, process_id: row.process_id } as StoredEvent
}

async function timeline(
  db: Database,
  projectId: string,
  entity: EntityRef,
  page: PageRequest,
): Promise<Page<StoredEvent>> {
  const [before] = decodeCursor(page.cursor, [cursorParts.uuid]) ?? []
  const { rows } = await sql<EventRow>`
    select id, process_id, payload
    from syncproof.events
    where project_id = ${projectId}
      and ${isEntity(entity)}
      and (${before ?? null}::uuid is null or id < ${before ?? null}::uuid)
    order by id desc
    limit ${page.limit + 1}`.execute(db)
  return toPage(rows, page.limit, toStoredEvent, (row) => [row.id])
}

/** See `EventStore.ofEntity`. */
export async function entityEvents(
  db: Database,
  projectId: string,
  entity: EntityRef,
  sinceMs: number,
): Promise<readonly StoredEvent[]> {
  // An operation's end comes after its writes and syncs, so the same bound finds it.
  const { rows } = await sql<EventRow>`
    with touched as (
      select id, process_id, operation_id, payload
      from syncproof.events
      where project_id = ${projectId}
        and ${isEntity(entity)}
        and kind in ('write', 'sync')
        and id >= ${firstIdAt(sinceMs)}
        and not exists (
          select from syncproof.inconsistent_events as marked
          where marked.project_id = ${projectId} and marked.event_id = events.id)
      order by id desc
      limit ${ENTITY_EVENTS_MAX})
    select id, process_id, payload from touched
    union all
    select id, process_id, payload
    from syncproof.events
    where project_id = ${projectId}
      and operation_id in (select operation_id from touched)
      and kind = 'operation_finished'
      and id >= ${firstIdAt(sinceMs)}
    order by id`.execute(db)
  return rows.map(toStoredEvent)
}
