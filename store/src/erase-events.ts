import type { EntityRef, StoredEvent } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import type { DetectionRules } from './detection-store.ts'
import { toStoredEvent } from './events.ts'
import { hidingLink } from './hidden-versions.ts'
import { isEntity, jsonb } from './sql-text.ts'

/** Events of the entity, or operations, that one transaction looks for; an operation has a few more events each. */
const AT_ONCE = 200

/** What is to be erased. */
export interface Erasing {
  readonly projectId: string
  readonly entity: EntityRef
  /** RFC 3339, by the database's clock: what came later stays. */
  readonly startedAt: string
  readonly rules: Pick<DetectionRules, 'linksOf' | 'hidesVersion'>
}

/** Of one transaction; both 0 where nothing is left. */
export interface ErasedEvents {
  readonly events: number
  readonly operations: number
}

interface Row {
  readonly id: string
  readonly process_id: string
  readonly operation_id: string | null
  readonly seq: string
  readonly kind: string
  readonly received_at: string
  readonly received_ms: string
  readonly payload: Omit<StoredEvent, 'process_id'>
}

const columns = sql`id, process_id, operation_id, seq, kind, payload, received_at::text as received_at,
  floor(extract(epoch from received_at) * 1000)::bigint as received_ms`

/** Empties the next events of the entity, with those events of its operations that name no entity, and all that was derived
 *  from them. Detection stands still meanwhile: a step that had read them has stored what it found, and that is
 *  removed later; none reads half of it. */
export async function eraseNextEvents(tx: Tx, erasing: Erasing): Promise<ErasedEvents> {
  await stopDetection(tx)
  const { projectId, entity, startedAt } = erasing
  const { rows } = await sql<Row>`
    select ${columns} from syncproof.events
    where project_id = ${projectId} and ${isEntity(entity)} and received_at <= ${startedAt}
    order by id limit ${AT_ONCE}`.execute(tx)
  const own = rows.flatMap(({ kind, operation_id }) =>
    kind === 'operation_started' && operation_id !== null ? operation_id : [],
  )
  return eraseWith(tx, erasing, rows, own)
}

/** Empties the next operations of the entity whose start is not stored any more. */
export async function eraseNextOperations(tx: Tx, erasing: Erasing): Promise<ErasedEvents> {
  await stopDetection(tx)
  const { rows } = await sql<{ operation_id: string }>`
    select operation_id from syncproof.operations
    where project_id = ${erasing.projectId} and ${isEntity(erasing.entity)} and active_at <= ${erasing.startedAt}
    order by operation_id limit ${AT_ONCE}`.execute(tx)
  return eraseWith(
    tx,
    erasing,
    [],
    rows.map((row) => row.operation_id),
  )
}

async function stopDetection(tx: Tx): Promise<void> {
  await sql`select from syncproof.detection_cursors order by lane for update`.execute(tx)
}

/** @param own operations that are about the entity */
async function eraseWith(
  tx: Tx,
  erasing: Erasing,
  ofEntity: readonly Row[],
  own: readonly string[],
): Promise<ErasedEvents> {
  const { projectId } = erasing
  const rows = [...ofEntity, ...(await ofNoEntity(tx, projectId, own))]
  await markOperations(tx, projectId, rows)
  const operations = await emptyOperations(tx, projectId, own)
  if (rows.length > 0) {
    await markProcesses(tx, projectId, rows)
    await removeLinks(tx, erasing, rows)
    await emptyEvents(tx, projectId, rows)
  }
  return { events: rows.length, operations }
}

/** Its end, its transactions, what did not fit a contract. What it did to other entities is theirs. */
async function ofNoEntity(tx: Tx, projectId: string, operations: readonly string[]): Promise<readonly Row[]> {
  if (operations.length === 0) return []
  const { rows } = await sql<Row>`
    select ${columns} from syncproof.events
    where project_id = ${projectId} and operation_id = any(${operations}::uuid[]) and entity_hash is null`.execute(
    tx,
  )
  return rows
}

/** Nobody judges these operations as whole any more. Those that nobody has judged yet get their row now. */
async function markOperations(tx: Tx, projectId: string, rows: readonly Row[]): Promise<void> {
  const touched = rows.filter(({ operation_id }) => operation_id !== null)
  if (touched.length === 0) return
  await sql`
    insert into syncproof.operations as known
      (project_id, operation_id, process_id, finished_at, retries, first_event_id, active_at, last_seq, erased)
    select ${projectId}, operation_id, (array_agg(process_id order by id))[1],
      max(received_at) filter (where kind = 'operation_finished'), 0, (array_agg(id order by id))[1],
      max(received_at), max(seq), true
    from jsonb_to_recordset(${jsonb(touched.map(withoutPayload))}) as new(id uuid, process_id uuid, operation_id uuid,
      seq bigint, kind text, received_at timestamptz)
    group by operation_id
    order by operation_id
    on conflict (project_id, operation_id) do update set
      erased = true,
      finished_at = coalesce(known.finished_at, excluded.finished_at),
      first_event_id = least(known.first_event_id, excluded.first_event_id)`.execute(tx)
}

function withoutPayload({ payload: _, ...row }: Row) {
  return row
}

async function emptyOperations(tx: Tx, projectId: string, own: readonly string[]): Promise<number> {
  if (own.length === 0) return 0
  await sql`
    delete from syncproof.waiting_operations
    where project_id = ${projectId} and operation_id = any(${own}::uuid[])`.execute(tx)
  const result = await sql`
    update syncproof.operations
    set erased = true, name = null, entity_type = null, entity_id = null, entity_hash = null, started_at = null,
      outcome = null, retries = 0
    where project_id = ${projectId} and operation_id = any(${own}::uuid[])`.execute(tx)
  return Number(result.numAffectedRows ?? 0)
}

/** In the order of the keys, as who else writes several of them. */
async function markProcesses(tx: Tx, projectId: string, rows: readonly Row[]): Promise<void> {
  await sql`
    update syncproof.processes as process
    set erased = syncproof.fewer_ranges(process.erased + more.numbers),
      erased_received_at = greatest(process.erased_received_at, more.received_at)
    from (
      select process_id, range_agg(int8range(seq, seq + 1)) as numbers, max(received_at) as received_at
      from jsonb_to_recordset(${jsonb(rows.map(withoutPayload))})
        as new(process_id uuid, seq bigint, received_at timestamptz)
      group by process_id order by process_id) as more
    where process.project_id = ${projectId} and process.process_id = more.process_id`.execute(tx)
}

async function removeLinks(tx: Tx, { projectId, rules }: Erasing, rows: readonly Row[]): Promise<void> {
  const links = rows.flatMap((row) => {
    const event = toStoredEvent(row)
    const hiding = rules.hidesVersion(event) ? [hidingLink(Number(row.received_ms))] : []
    return [...rules.linksOf(event), ...hiding].map((link) => ({ link, event_id: row.id }))
  })
  await sql`
    delete from syncproof.event_links as linked
    using jsonb_to_recordset(${jsonb(links)}) as gone(link text, event_id uuid)
    where linked.project_id = ${projectId} and linked.link_hash = syncproof.link_hash(gone.link)
      and linked.event_id = gone.event_id and linked.event_id = any(${idsOf(rows)}::uuid[])`.execute(tx)
  // whoever looks for the maker of one of these versions has its row: what it finds is there afterwards
  await sql`
    delete from syncproof.replaced_versions
    where project_id = ${projectId} and event_id = any(${idsOf(rows)}::uuid[])`.execute(tx)
  await sql`
    delete from syncproof.inconsistent_copies
    where project_id = ${projectId} and event_id = any(${idsOf(rows)}::uuid[])`.execute(tx)
}

/** The row stays, with the id that tells a copy which is sent again. */
async function emptyEvents(tx: Tx, projectId: string, rows: readonly Row[]): Promise<void> {
  await sql`
    update syncproof.events
    set kind = 'erased', operation_id = null, entity_type = null, entity_id = null, entity_hash = null,
      payload = jsonb_build_object('id', id, 'seq', seq, 'kind', 'erased', 'at', payload->'at', 'monotonic_us', 0)
    where project_id = ${projectId} and id = any(${idsOf(rows)}::uuid[])`.execute(tx)
}

function idsOf(rows: readonly Row[]): readonly string[] {
  return rows.map(({ id }) => id)
}

/** Events of the entity that came since. */
export async function eventsSince(
  db: Database,
  { projectId, entity }: Omit<Erasing, 'rules'>,
): Promise<number> {
  const { rows } = await sql<{ count: string }>`
    select count(*) from syncproof.events where project_id = ${projectId} and ${isEntity(entity)}`.execute(db)
  return Number(rows[0]?.count ?? 0)
}
