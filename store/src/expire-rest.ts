import { type SqlBool, sql } from 'kysely'
import type { Pass } from './expire-pass.ts'
import { sweepTable } from './expire-rows.ts'

/** A version that waits for its maker is decided within two hours, by whoever looks for makers. Of a project that no
 *  reconciler serves, nobody does. */
const WAITING_MS_MAX = 24 * 60 * 60 * 1000

/** Removes the counts of sections that have not run for long enough, a release at a time. */
export async function expireSections(pass: Pass): Promise<void> {
  const { sectionsMs } = pass.policy
  if (sectionsMs === null) return
  const cutoffMs = pass.nowMs - sectionsMs
  await sweepTable(
    pass,
    {
      subject: 'sections',
      table: 'syncproof.sections',
      order: ['first_seen_at', 'id'],
      keyType: 'text',
      returning: ['id'],
      isDue: sql<SqlBool>`last_seen_at < to_timestamp(${cutoffMs / 1000}::double precision)`,
    },
    cutoffMs,
  )
}

/** At most ten thousand a project, so at once. */
export async function expireWaitingVersions(pass: Pass): Promise<void> {
  await pass.remove(undefined, async (tx) => {
    const result = await sql`
      delete from syncproof.replaced_versions
      where noticed_at < to_timestamp(${(pass.nowMs - WAITING_MS_MAX) / 1000}::double precision)`.execute(tx)
    return Number(result.numAffectedRows ?? 0)
  })
}
