import { sql } from 'kysely'
import type { Tx } from './database.ts'

/** Waits until no other transaction holds the lock of this name, and holds it until this one ends. */
export async function lockUntilCommit(tx: Tx, name: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`syncproof/${name}`}, 0))`.execute(tx)
}

/** Held by whoever writes findings until its transaction ends, so that two that write the same ones in another
 *  order wait for each other instead of deadlocking. */
export function lockFindings(tx: Tx, projectId: string): Promise<void> {
  return lockUntilCommit(tx, `findings/${projectId}`)
}

/** Held by who makes partitions, too (`ensure_event_partitions`): PostgreSQL ends one of two who change a table at once with
 *  "tuple concurrently updated". */
export async function lockPartitions(tx: Tx): Promise<void> {
  await sql`select pg_advisory_xact_lock(1398361680, 100)`.execute(tx)
}
