import { type SqlBool, sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { type Pass, ROWS_AT_ONCE } from './expire-pass.ts'
import { sweepTable } from './expire-rows.ts'
import { lockFindings } from './locks.ts'
import { jsonb } from './sql-text.ts'

interface Removed {
  readonly id: string
  readonly group_id: string | null
}

/** Removes findings that were last seen too long ago, each with its witness and the traffic of its function. */
export async function expireFindings(pass: Pass): Promise<void> {
  const { open, resolved } = pass.policy.findingsMs
  for (const [status, keepMs] of [
    ['open', open],
    ['resolved', resolved],
  ] as const) {
    if (keepMs === null) continue
    const cutoffMs = pass.nowMs - keepMs
    // what was over only lately is still news
    const isDue =
      status === 'open'
        ? sql<SqlBool>`status <> 'resolved'`
        : sql<SqlBool>`status = 'resolved' and coalesce(resolution->>'at', '') < ${new Date(cutoffMs).toISOString()}`
    await sweepTable<Removed>(
      pass,
      {
        subject: `findings.${status}`,
        table: 'syncproof.findings',
        order: ['last_seen_at', 'id'],
        keyType: 'text',
        returning: ['id', 'group_id'],
        isDue,
        lock: lockFindings,
        async more(tx, projectId, removed) {
          await forgetTraffic(
            tx,
            projectId,
            removed.map(({ id }) => id),
          )
          if (status === 'open') await forgetInGroups(tx, projectId, removed)
        },
      },
      cutoffMs,
    )
  }
  await expireGroups(pass)
}

async function forgetTraffic(tx: Tx, projectId: string, ids: readonly string[]): Promise<void> {
  await sql`
    delete from syncproof.hazard_traffic
    where project_id = ${projectId} and finding_id = any(${ids}::text[])`.execute(tx)
}

/** A group whose findings are not there any more is not over because of that. Call `lockFindings` first.
 *  @param removed findings that were not over, with their groups */
export async function forgetInGroups(
  tx: Tx,
  projectId: string,
  removed: readonly Pick<Removed, 'group_id'>[],
): Promise<void> {
  const groups = Map.groupBy(removed, ({ group_id }) => group_id)
  groups.delete(null)
  const counts = [...groups].map(([id, findings]) => ({ id, findings: findings.length }))
  if (counts.length === 0) return
  await sql`
    update syncproof.finding_groups as known set forgotten = known.forgotten + gone.findings
    from jsonb_to_recordset(${jsonb(counts)}) as gone(id text, findings bigint)
    where known.project_id = ${projectId} and known.id = gone.id`.execute(tx)
}

/** As long as any finding. */
async function expireGroups(pass: Pass): Promise<void> {
  const { open, resolved } = pass.policy.findingsMs
  if (open === null || resolved === null) return
  await sweepTable(
    pass,
    {
      subject: 'findings.resolved',
      table: 'syncproof.finding_groups',
      order: ['last_seen_at', 'id'],
      keyType: 'text',
      returning: ['id'],
      isDue: sql<SqlBool>`true`,
      lock: lockFindings,
    },
    pass.nowMs - Math.max(open, resolved),
  )
}

/** Forgets the calls of functions with a hazard for entities that have not been called for too long, and those of
 *  hazards that are not there any more. The table is gone through by its key: a call changes no other index. */
export async function expireHazards(pass: Pass): Promise<void> {
  const { hazardsMs } = pass.policy
  const cutoffMs = hazardsMs === null ? Number.MIN_SAFE_INTEGER : pass.nowMs - hazardsMs
  let from: HazardKey | undefined
  do {
    if (pass.signal.aborted) return
    const until = await endOfHazards(pass.db, from)
    await pass.remove('hazards', async (tx) => {
      const result = await sql`
        delete from syncproof.hazard_calls as call
        where ${isAfter(from)} and ${until ? sql`not (${isAfter(until)})` : sql`true`}
          and (call.until_ms < ${cutoffMs} or not exists (
            select from syncproof.findings as finding
            where finding.project_id = call.project_id and finding.id = call.finding_id))`.execute(tx)
      return Number(result.numAffectedRows ?? 0)
    })
    from = until
  } while (from)
}

interface HazardKey {
  readonly project_id: string
  readonly finding_id: string
  readonly entity_hash: string
}

function isAfter(key: HazardKey | undefined) {
  return key
    ? sql`(project_id, finding_id, entity_hash) > (${key.project_id}, ${key.finding_id}, ${key.entity_hash}::bigint)`
    : sql`true`
}

async function endOfHazards(db: Database, from: HazardKey | undefined): Promise<HazardKey | undefined> {
  const { rows } = await sql<HazardKey>`
    select project_id, finding_id, entity_hash from syncproof.hazard_calls
    where ${isAfter(from)}
    order by project_id, finding_id, entity_hash offset ${ROWS_AT_ONCE - 1} limit 1`.execute(db)
  return rows[0]
}
