import type { Context } from '../operation/context.ts'
import type { RowState } from '../operation/evidence.ts'
import type { PgClient } from './pool.ts'

/** Whether this backend has a transaction id, asked right after a read on the same connection where a declared
 *  section wants to know: locking a row assigns one, so without it nothing is locked. Not part of the read: its
 *  columns are computed before the lock is taken, and in autocommit the lock is gone with the statement.
 *  @returns undefined where nobody asks, or the row is none of an ordinary local table */
export async function askXactAssigned(
  client: PgClient,
  { sections }: Context,
  found: RowState | undefined,
): Promise<boolean | undefined> {
  if (!found?.row || !sections?.some((section) => section.asksForLock)) return undefined
  try {
    const { rows } = await client.query('SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS assigned')
    const assigned = rows[0]?.assigned
    return typeof assigned === 'boolean' ? assigned : undefined
  } catch {
    return undefined
  }
}
