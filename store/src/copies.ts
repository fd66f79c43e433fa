import { sql } from 'kysely'
import type { Appended, Batch } from './append/batch.ts'
import type { Database } from './database.ts'

type Append = (batch: Batch) => Promise<Appended>

/** Appends, and marks events of the batch whose id was there with other content: the first stands. It looks only where
 *  something was there already, so a batch that is new costs nothing more.
 *
 *  What is appended is not in one transaction with what is marked. Who crashes in between has not answered, so the batch
 *  comes again, and is looked at then. */
export function markingCopies(db: Database, append: Append): Append {
  return async (batch) => {
    const appended = await append(batch)
    if (appended.duplicates > 0) await markCopies(db, batch)
    return appended
  }
}

async function markCopies(db: Database, { projectId, process, events }: Batch): Promise<void> {
  await sql`select syncproof.mark_copies(${projectId}, ${process.id}, ${JSON.stringify(events)})`.execute(db)
}
