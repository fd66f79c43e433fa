import { uuidV7TimeMs } from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Database } from '../database.ts'
import { sqlState } from '../errors.ts'
import type { AnyEvent, Appended, Batch } from './batch.ts'

/** No partition takes one of the ids, as with the first event of a day that nobody has prepared. */
const NO_PARTITION = '23514'

/** One batch, event by event as far as duplicates go. */
export async function appendOne(db: Database, batch: Batch): Promise<Appended> {
  return withPartitions(db, batch.events, () => appendOnce(db, batch))
}

/** Does it, and does it again with the days' partitions where these were missing. They are made when they are missed
 *  instead of remembered: what is remembered may have expired. */
export async function withPartitions<T>(
  db: Database,
  events: readonly AnyEvent[],
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (sqlState(error) !== NO_PARTITION) throw error
    await sql`select syncproof.ensure_event_partitions(${daysOf(events)}::date[])`.execute(db)
    return run()
  }
}

/** One statement, autocommitted: the lane's lock is held no longer than the server itself needs. */
async function appendOnce(db: Database, { projectId, process, events }: Batch): Promise<Appended> {
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
