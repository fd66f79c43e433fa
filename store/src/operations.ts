import { type EntityRef, entityKey } from '@syncproof/core/contract'
import { type SqlBool, sql } from 'kysely'
import { cursorParts, decodeCursor, toPage } from './cursor.ts'
import type { Database } from './database.ts'
import { firstIdAt, isOneOf, rfc3339, rfc3339OrNull } from './sql-text.ts'
import type { OperationRow, OperationStore, Page, PageRequest } from './store.ts'

const DAY_MS = 24 * 60 * 60 * 1000

export function operationStore(db: Database): OperationStore {
  return {
    list: (projectId, filter, page) => listOperations(db, projectId, filter, page),
    busy: (projectId, entities, options) => busyEntities(db, projectId, entities, options),
  }
}

async function listOperations(
  db: Database,
  projectId: string,
  filter: Parameters<OperationStore['list']>[1],
  page: PageRequest,
): Promise<Page<OperationRow>> {
  const after = decodeCursor(page.cursor, [cursorParts.time, cursorParts.uuid])
  const { operation, entity_type, entity_id, since } = filter
  let query = db
    .selectFrom('syncproof.operations as o')
    .innerJoin('syncproof.processes as p', (join) =>
      join.onRef('p.project_id', '=', 'o.project_id').onRef('p.process_id', '=', 'o.process_id'),
    )
    .select([
      'o.operation_id',
      'o.root_operation_id',
      'o.name',
      'o.entity_type',
      'o.entity_id',
      'o.process_id',
      'p.service',
      'p.release',
      rfc3339('o.started_at').as('started_at'),
      rfc3339OrNull('o.finished_at').as('finished_at'),
      'o.outcome',
      'o.retries',
    ])
    .where('o.project_id', '=', projectId)
    .where('o.started_at', 'is not', null)
  if (operation !== undefined) query = query.where('o.name', '=', operation)
  if (entity_type !== undefined) query = query.where('o.entity_type', '=', entity_type)
  if (entity_id !== undefined) query = query.where('o.entity_id', '=', entity_id)
  if (entity_type !== undefined && entity_id !== undefined) {
    query = query.where(sql<SqlBool>`o.entity_hash = syncproof.entity_hash(${entity_type}, ${entity_id})`)
  }
  if (since !== undefined) query = query.where('o.started_at', '>=', since)
  if (after) {
    query = query.where(
      sql<SqlBool>`(o.started_at, o.operation_id) < (${after[0]}::timestamptz, ${after[1]}::uuid)`,
    )
  }
  const rows = await query
    .orderBy('o.started_at', 'desc')
    .orderBy('o.operation_id', 'desc')
    .limit(page.limit + 1)
    .execute()
  return toPage(
    rows,
    page.limit,
    ({ entity_type, entity_id, ...same }) => ({ ...same, entity: { type: entity_type, id: entity_id } }),
    (row) => [row.started_at, row.operation_id],
  )
}

/** An entity is busy by what any operation did to it, not only the one that is named after it. What happened
 *  more than a day before `activeSinceMs` makes it busy only while it is unjudged or its operation is open. */
async function busyEntities(
  db: Database,
  projectId: string,
  entities: readonly EntityRef[],
  { activeSinceMs, silentMsMax }: { readonly activeSinceMs: number; readonly silentMsMax: number },
): Promise<ReadonlySet<string>> {
  if (entities.length === 0) return new Set()
  const activeSince = new Date(activeSinceMs).toISOString()
  const { rows } = await sql<EntityRef>`
    with open as (
      select operation_id, first_event_id
      from syncproof.operations
      join syncproof.processes using (project_id, process_id)
      where project_id = ${projectId} and finished_at is null
        and last_seen_at >= clock_timestamp() - make_interval(secs => ${silentMsMax / 1000}))
    select entity_type as type, entity_id as id
    from syncproof.events as event
    where project_id = ${projectId} and ${isOneOf(entities)} and id >= ${firstIdAt(activeSinceMs - DAY_MS)}
      and (received_at >= ${activeSince} or exists (
        select from syncproof.operations as operation
        where operation.project_id = event.project_id and operation.operation_id = event.operation_id
          and operation.active_at >= ${activeSince}))
    union
    select entity_type, entity_id
    from syncproof.events
    where project_id = ${projectId} and ${isOneOf(entities)}
      and id >= (select first_event_id from open order by first_event_id limit 1)
      and operation_id in (select operation_id from open)
    union
    select entity_type, entity_id
    from syncproof.detection_cursors as cursor
    join syncproof.events as event on event.lane = cursor.lane and event.position > cursor.position
    where project_id = ${projectId} and ${isOneOf(entities)}`.execute(db)
  return new Set(rows.map(entityKey))
}
