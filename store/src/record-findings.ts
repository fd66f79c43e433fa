import {
  type DetectedFinding,
  DIVERGENCE_KINDS,
  type Finding,
  type FindingKind,
  type Verdict,
} from '@syncproof/core/contract'
import { sql } from 'kysely'
import type { Tx } from './database.ts'
import { findingColumns, toFinding } from './finding-row.ts'
import { joinGroups } from './groups.ts'
import { jsonb } from './sql-text.ts'
import type { DetectionVerdicts, FindingStore } from './store.ts'

/** What happened once and stays true: nothing resolves it, and seeing it again says nothing new. */
const IMMUTABLE_KINDS: readonly FindingKind[] = [
  'lost-update',
  'write-conflict',
  'reordered-sync',
  'write-skew',
  'orphaned-operation',
  'contract-violation',
  'invariant-violation',
]

/** Weakest first. A finding never gets a weaker verdict while it stands. */
const STRENGTH: readonly Verdict[] = ['hazard', 'indeterminate', 'observed', 'proven']

/** A finding, and in how many operations it was newly seen. */
export interface SeenFinding {
  readonly finding: DetectedFinding
  readonly occurrences: number
}

/** Inserts or updates findings; see `FindingStore.record`. Call `lockFindings` first.
 *  @returns those that were not stored before */
export async function recordFindings(
  tx: Tx,
  projectId: string,
  seen: readonly SeenFinding[],
): Promise<readonly Finding[]> {
  if (seen.length === 0) return []
  const { rows } = await sql<{ id: string; created: boolean }>`
    insert into syncproof.findings as stored (project_id, id, kind, verdict, severity, status, entity_type,
      entity_id, entity_hash, operation, fields, summary, reason, cause, witness, details, occurred_at,
      first_seen_at, last_seen_at, occurrences)
    select ${projectId}, id, kind, verdict, severity, 'open', entity->>'type', entity->>'id',
      syncproof.entity_hash(entity->>'type', entity->>'id'), cause->>'operation', fields, summary, reason, cause,
      witness, details, occurred_at, now(), now(), occurrences
    from jsonb_to_recordset(${jsonb(onceEach(seen).map(toRecord))}) as new(
      id text, kind text, verdict text, severity text, entity jsonb, fields jsonb, summary text, reason text,
      cause jsonb, witness jsonb, details jsonb, occurred_at timestamptz, occurrences bigint)
    on conflict (project_id, id) do update set
      verdict = excluded.verdict,
      severity = excluded.severity,
      operation = excluded.operation,
      fields = excluded.fields,
      summary = excluded.summary,
      reason = excluded.reason,
      cause = excluded.cause,
      witness = excluded.witness,
      details = excluded.details,
      last_seen_at = case when ${isImmutable('stored')} then stored.last_seen_at else now() end,
      occurrences = case when ${isImmutable('stored')} then stored.occurrences
        else stored.occurrences + excluded.occurrences end,
      status = case when ${comesBack} then 'open' else stored.status end,
      reopened_at = case when ${comesBack} then now() else stored.reopened_at end,
      resolution = case when ${comesBack} then null else stored.resolution end
    where ${strengthOf('excluded')} >= ${strengthOf('stored')} or (${comesBack} and stored.verdict <> 'proven')
    returning id, (xmax = 0) as created`.execute(tx)
  await joinGroups(
    tx,
    projectId,
    rows.map((row) => row.id),
  )
  const created = rows.filter((row) => row.created).map((row) => row.id)
  if (created.length === 0) return []
  const findings = await tx
    .selectFrom('syncproof.findings')
    .select(findingColumns)
    .where('project_id', '=', projectId)
    .where('id', 'in', created)
    .orderBy('id')
    .execute()
  return findings.map(toFinding)
}

const comesBack = sql`(stored.status = 'resolved' and stored.kind in (${sql.join(DIVERGENCE_KINDS)}))`

function isImmutable(table: string) {
  return sql`(${sql.ref(`${table}.kind`)} in (${sql.join(IMMUTABLE_KINDS)}) and ${sql.ref(`${table}.verdict`)} = 'proven')`
}

function strengthOf(table: string) {
  return sql`array_position(array[${sql.join(STRENGTH)}], ${sql.ref(`${table}.verdict`)})`
}

/** Marks findings as over; see `FindingStore.resolve`. Call `lockFindings` first.
 *  @returns how many were changed */
export async function resolveFindings(
  tx: Tx,
  projectId: string,
  resolved: DetectionVerdicts['resolved'],
): Promise<number> {
  if (resolved.length === 0) return 0
  const result = await sql`
    update syncproof.findings as stored
    set status = 'resolved', resolution = over.resolution
    from jsonb_to_recordset(${jsonb(resolved)}) as over(id text, resolution jsonb)
    where stored.project_id = ${projectId} and stored.id = over.id and stored.status <> 'resolved'
      and not ${isImmutable('stored')}`.execute(tx)
  return Number(result.numAffectedRows ?? 0)
}

/** See `FindingStore.explain`. Call `lockFindings` first. */
export async function explainFindings(
  tx: Tx,
  projectId: string,
  reasons: Parameters<FindingStore['explain']>[1],
): Promise<void> {
  await sql`
    update syncproof.findings as stored
    set reason = new.reason, details = stored.details || new.details
    from jsonb_to_recordset(${jsonb(reasons)}) as new(id text, reason text, details jsonb)
    where stored.project_id = ${projectId} and stored.id = new.id and stored.status <> 'resolved'
      and stored.verdict = 'indeterminate'`.execute(tx)
}

/** One statement can write a row only once: of several sightings of one finding the strongest is kept, the last
 *  among equals, and their occurrences add up. */
function onceEach(seen: readonly SeenFinding[]): readonly SeenFinding[] {
  const byId = new Map<string, SeenFinding>()
  for (const next of seen) {
    const before = byId.get(next.finding.id)
    const stronger =
      before && STRENGTH.indexOf(before.finding.verdict) > STRENGTH.indexOf(next.finding.verdict)
        ? before.finding
        : next.finding
    byId.set(next.finding.id, {
      finding: stronger,
      occurrences: next.occurrences + (before?.occurrences ?? 0),
    })
  }
  return [...byId.values()]
}

function toRecord({ finding, occurrences }: SeenFinding) {
  return { ...finding, occurrences }
}
