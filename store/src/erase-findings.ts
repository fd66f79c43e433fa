import type { EntityRef } from '@syncproof/core/contract'
import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database, Tx } from './database.ts'
import { forgetInGroups } from './expire-findings.ts'
import { lockFindings } from './locks.ts'
import { jsonb } from './sql-text.ts'

/** Findings that one transaction reads: their witnesses are kilobytes each. */
const AT_ONCE = 500

export interface ErasedFindings {
  readonly findings: number
  readonly findings_about_others: number
  readonly hazards: number
}

/** Which findings tell of the entity. */
function tellsOf({ type, id }: EntityRef): RawBuilder<SqlBool> {
  const entity = { type, id }
  return sql`(
    (entity_type = ${type} and entity_id = ${id})
    or (details->>'entity_type' = ${type} and details->>'entity_id' = ${id})
    or details->'other_entity' @> ${jsonb(entity)}
    or witness @> ${jsonb({ events: [{ entity }] })})`
}

/** About a function: known by its name, and shown by a call for any entity. */
const isOfFunction = sql<SqlBool>`(verdict = 'hazard' and entity_type is null)`

/** Where the next look begins, and how far one look goes: the ids of findings. */
export async function endOfFindings(
  db: Database,
  projectId: string,
  from: string,
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from syncproof.findings where project_id = ${projectId} and id > ${from}
    order by id offset ${AT_ONCE - 1} limit 1`.execute(db)
  return rows[0]?.id
}

/** Removes those findings of a stretch that tell of the entity. One about a function stays, and forgets which call showed it. */
export async function eraseFindings(
  tx: Tx,
  projectId: string,
  entity: EntityRef,
  from: string,
  until: string | undefined,
): Promise<ErasedFindings> {
  await lockFindings(tx, projectId)
  const within = sql`project_id = ${projectId} and id > ${from}
    and ${until === undefined ? sql`true` : sql`id <= ${until}`} and ${tellsOf(entity)}`
  const { rows } = await sql<{ id: string; group_id: string | null; status: string; own: boolean }>`
    delete from syncproof.findings where ${within} and not ${isOfFunction}
    returning id, group_id, status, coalesce(entity_type = ${entity.type} and entity_id = ${entity.id}, false) as own`.execute(
    tx,
  )
  const hazards = await sql`
    update syncproof.findings
    set witness = '{"events": []}', details = details - 'entity_id' - 'window',
      cause = cause - 'operation_id' - 'trace_id'
    where ${within} and ${isOfFunction}`.execute(tx)
  await eraseFromAlerts(
    tx,
    projectId,
    rows.map(({ id }) => id),
  )
  await forgetInGroups(
    tx,
    projectId,
    rows.filter(({ status }) => status !== 'resolved'),
  )
  return {
    findings: rows.length,
    findings_about_others: rows.filter(({ own }) => !own).length,
    hazards: Number(hazards.numAffectedRows ?? 0),
  }
}

/** Forgets how often functions with a hazard were called for the entity. */
export async function eraseCalls(tx: Tx, projectId: string, { type, id }: EntityRef): Promise<void> {
  await lockFindings(tx, projectId)
  await sql`
    delete from syncproof.hazard_calls
    where project_id = ${projectId} and entity_hash = syncproof.entity_hash(${type}, ${id})
      and finding_id in (
        select id from syncproof.findings where project_id = ${projectId} and ${isOfFunction})`.execute(tx)
}

/** Messages that gave one of these findings as the example name none any more, also those that are still to be sent. */
async function eraseFromAlerts(tx: Tx, projectId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`
    update syncproof.alert_deliveries
    set message = message - 'finding' || '{"summary": "What this was about has been erased."}'
    where project_id = ${projectId} and message->'finding'->>'id' = any(${ids}::text[])`.execute(tx)
}

export async function countFindings(
  db: Database,
  projectId: string,
  { type, id }: EntityRef,
): Promise<ErasedFindings> {
  const { rows } = await sql<{ findings: string; others: string; hazards: string }>`
    select count(*) filter (where not ${isOfFunction}) as findings,
      count(*) filter (where not ${isOfFunction} and (entity_type, entity_id) is distinct from (${type}, ${id})) as others,
      count(*) filter (where ${isOfFunction}) as hazards
    from syncproof.findings where project_id = ${projectId} and ${tellsOf({ type, id })}`.execute(db)
  const [row] = rows
  return {
    findings: Number(row?.findings ?? 0),
    findings_about_others: Number(row?.others ?? 0),
    hazards: Number(row?.hazards ?? 0),
  }
}
