import type { StoredEvent } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { toStoredEvent } from './events.ts'
import { hidingLink } from './hidden-versions.ts'
import { jsonb } from './sql-text.ts'
import type { DetectionRules } from './store.ts'

/** Stores the links of the next events of a lane, and the ends of their processes, before anybody judges them: to be
 *  committed on its own. Then of two operations that share a link, judged at the same moment by two lanes, at least one
 *  sees the other: each looks only after its own links were there for all to see.
 *
 *  READ COMMITTED is enough; the cursor's row is locked, so that a lane is linked by one at a time.
 *  @returns false where somebody else is at it, or nothing is there to judge */
export async function linkNextEvents(
  tx: Tx,
  lane: number,
  eventsMax: number,
  rules: Pick<DetectionRules, 'linksOf' | 'hidesVersion'>,
): Promise<boolean> {
  const { rows } = await sql<{ position: string; linked: string }>`
    select position, linked from syncproof.detection_cursors where lane = ${lane}
    for update skip locked`.execute(tx)
  const [cursor] = rows
  if (!cursor) return false
  const events = await nextLinkable(tx, lane, cursor.linked, eventsMax)
  const last = events.at(-1)
  if (!last) return cursor.linked !== cursor.position
  const links = events.flatMap(({ project_id, process_id, received_ms, payload }) => {
    if (!payload || payload.kind === 'process_ended') return []
    const event = toStoredEvent({ process_id, payload })
    const { id, operation_id } = payload as StoredEvent & { operation_id?: string }
    // of a later release's kinds, some may be of no operation
    if (operation_id === undefined) return []
    const found = rules.hidesVersion(event) ? [hidingLink(Number(received_ms))] : []
    return [...rules.linksOf(event), ...found].map((link) => ({
      project_id,
      link,
      event_id: id,
      operation_id,
    }))
  })
  await insertLinks(tx, links)
  const ends = events.filter(({ payload }) => payload?.kind === 'process_ended')
  if (ends.length > 0) await rememberEnds(tx, ends)
  await sql`update syncproof.detection_cursors set linked = ${last.position} where lane = ${lane}`.execute(tx)
  return true
}

interface Linkable {
  readonly project_id: string
  readonly process_id: string
  readonly position: string
  readonly received_ms: string
  /** Without its fields; null for what has no links. */
  readonly payload: Omit<StoredEvent, 'process_id'> | null
}

async function nextLinkable(
  tx: Tx,
  lane: number,
  after: string,
  eventsMax: number,
): Promise<readonly Linkable[]> {
  const { rows } = await sql<Linkable>`
    select project_id, process_id, position,
      floor(extract(epoch from received_at) * 1000)::bigint as received_ms,
      case when payload->>'kind' not in ('read', 'transaction_finished', 'section_entered', 'contract_violated',
          'invariant_violated') and (payload->>'kind' <> 'operation_started' or payload ? 'syncs')
          and (payload->>'kind' <> 'operation_finished' or payload ? 'in_flight')
        then payload - array['fields', 'base_fields', 'overwritten_fields', 'assigned', 'known_versions'] end as payload
    from syncproof.next_events(${lane}, ${after}, ${eventsMax})`.execute(tx)
  return rows
}

async function insertLinks(tx: Tx, links: readonly { readonly link: string }[]): Promise<void> {
  if (links.length === 0) return
  // sorted, so that two lanes that store the same rows wait for each other instead of deadlocking
  await sql`
    insert into syncproof.event_links (project_id, link_hash, event_id, operation_id)
    select project_id, syncproof.link_hash(link), event_id, operation_id
    from jsonb_to_recordset(${jsonb(links)}) as new(project_id text, link text, event_id uuid, operation_id uuid)
    order by 1, 2, 3
    on conflict do nothing`.execute(tx)
}

async function rememberEnds(tx: Tx, ends: readonly Linkable[]): Promise<void> {
  const rows = ends.map(({ project_id, process_id, payload }) => ({ project_id, process_id, payload }))
  await sql`
    update syncproof.processes as process
    set end_event = coalesce(process.end_event, ended.payload)
    from jsonb_to_recordset(${jsonb(rows)}) as ended(project_id text, process_id uuid, payload jsonb)
    where process.project_id = ended.project_id and process.process_id = ended.process_id`.execute(tx)
}
