import type { ProcessReport, StoredEvent } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { toStoredEvent } from './events.ts'

/** Events that may stand for a version which they do not name, received within what is looked through. Where there are
 *  more, nobody says that none of them does. */
const HIDING_MAX = 5_000

const MINUTE_MS = 60_000

/** The link of such events that were received in one minute, so that they are found by when they came, whenever what
 *  they tell of was sent. */
export function hidingLink(receivedMs: number): string {
  return `hides:${Math.floor(receivedMs / MINUTE_MS)}`
}

/** An event that hides a version, and whose it is. */
export interface HidingEvent {
  readonly event: StoredEvent
  readonly process: Pick<ProcessReport, 'clock'>
}

/** Those that were received between the two; undefined where they are too many. */
export async function hidingEvents(
  tx: Tx,
  projectId: string,
  sinceMs: number,
  untilMs: number,
): Promise<readonly HidingEvent[] | undefined> {
  const links: string[] = []
  for (let ms = sinceMs; ms < untilMs + MINUTE_MS; ms += MINUTE_MS) links.push(hidingLink(ms))
  const { rows } = await sql<{
    process_id: string
    clock: ProcessReport['clock'] | null
    payload: Omit<StoredEvent, 'process_id'>
  }>`
    select event.process_id, process.clock, event.payload
    from (
      select event_id from syncproof.event_links
      where project_id = ${projectId}
        and link_hash in (select syncproof.link_hash(link) from unnest(${links}::text[]) as links(link))
      limit ${HIDING_MAX + 1}) as linked
    cross join lateral (
      select process_id, payload - array['fields', 'base_fields', 'overwritten_fields', 'assigned'] as payload
      from syncproof.events where project_id = ${projectId} and id = linked.event_id
      order by id limit 1) as event
    join syncproof.processes as process
      on process.project_id = ${projectId} and process.process_id = event.process_id`.execute(tx)
  if (rows.length > HIDING_MAX) return undefined
  return rows.map((row) => ({
    event: toStoredEvent(row),
    process: { clock: row.clock ?? undefined },
  }))
}
