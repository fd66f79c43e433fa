import type { EntityRef, StoredEvent } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Appended, Batch } from './append/batch.ts'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { firstIdAt, isEntity } from './sql-text.ts'
import type { EventStore, Page, PageRequest } from './store.ts'

const ENTITY_EVENTS_MAX = 5_000

/** @param append where batches go */
export function eventStore(db: Database, append: (batch: Batch) => Promise<Appended>): EventStore {
  return {
    append: (projectId, process, events) => append({ projectId, process, events }),
    timeline: (projectId, entity, page) => timeline(db, projectId, entity, page),
    ofEntity: (projectId, entity, sinceMs) => entityEvents(db, projectId, entity, sinceMs),
  }
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
