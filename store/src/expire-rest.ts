import { type SqlBool, sql } from 'kysely'
import { type Pass, ROWS_AT_ONCE } from './expire-pass.ts'
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

/** A worker tries for a week. What nobody has tried for longer is of a sink that is configured no more. */
const UNTOLD_MS_MAX = 8 * 24 * 60 * 60 * 1000

/** Gives up what is to be told to sinks that are gone. */
export async function giveUpAlerts(pass: Pass): Promise<void> {
  const cutoff = sql`to_timestamp(${(pass.nowMs - UNTOLD_MS_MAX) / 1000}::double precision)`
  await pass.remove(undefined, async (tx) => {
    await sql`
      update syncproof.alert_deliveries
      set status = 'given_up', ended_at = clock_timestamp(),
        answer = coalesce(answer || '; ', '') || 'no reconciler has this sink any more'
      where status = 'waiting' and created_at < ${cutoff}`.execute(tx)
    await sql`
      update syncproof.finding_groups set told = '{}'
      where status = 'resolved' and told <> '{}' and (resolution->>'at')::timestamptz < ${cutoff}`.execute(tx)
    return 0
  })
}

/** Removes messages that ended long ago, but for the last one of a group that is not over, and maintenance windows. */
export async function expireAlerts(pass: Pass): Promise<void> {
  const { reportsMs } = pass.policy
  if (reportsMs === null) return
  const cutoff = sql`to_timestamp(${(pass.nowMs - reportsMs) / 1000}::double precision)`
  for (let removed = ROWS_AT_ONCE; removed === ROWS_AT_ONCE && !pass.signal.aborted; ) {
    removed = await pass.remove('reports', async (tx) => {
      const result = await sql`
        delete from syncproof.alert_deliveries where number in (
          select number from syncproof.alert_deliveries as told
          where ended_at < ${cutoff} and (state = 'resolved' or exists (
            select from syncproof.alert_deliveries as later
            where later.project_id = told.project_id and later.group_id = told.group_id and later.sink = told.sink
              and later.number > told.number))
          limit ${ROWS_AT_ONCE})`.execute(tx)
      return Number(result.numAffectedRows ?? 0)
    })
  }
  await pass.remove('reports', async (tx) => {
    const result = await sql`delete from syncproof.maintenance_windows where ends_at < ${cutoff}`.execute(tx)
    return Number(result.numAffectedRows ?? 0)
  })
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
