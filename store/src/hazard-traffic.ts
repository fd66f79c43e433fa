import { sql } from 'kysely'
import type { Tx } from './database.ts'
import type { SeenFinding } from './record-findings.ts'
import { jsonb } from './sql-text.ts'
import type { DetectionRules, HazardCall, HazardTraffic } from './store.ts'

/** One call to be counted, with the hazard that it showed. */
interface Counted extends HazardCall {
  readonly findingId: string
}

/** The latest call on one entity, of as many. */
interface EntityCalls {
  readonly calls: number
  readonly fromMs: number
  readonly untilMs: number
}

interface Traffic extends HazardTraffic {
  readonly nearestMissMs: number | undefined
}

/** Counts the calls that ended in this step, and puts into each hazard what is known of all of them. A call counts
 *  once, with the end of its operation. Call `lockFindings` first: it keeps the counts from being read by two at once. */
export async function withTraffic(
  tx: Tx,
  projectId: string,
  seen: readonly SeenFinding[],
  rules: DetectionRules,
): Promise<readonly SeenFinding[]> {
  const hazards = seen.filter(({ finding }) => rules.exposedCallOf(finding) !== undefined)
  if (hazards.length === 0) return seen
  const calls = hazards
    .filter(({ occurrences }) => occurrences > 0)
    .flatMap(({ finding }): Counted[] => {
      const call = rules.exposedCallOf(finding)
      return call ? [{ findingId: finding.id, ...call }] : []
    })
  const traffic = await loadTraffic(tx, projectId, [...new Set(hazards.map(({ finding }) => finding.id))])
  if (calls.length > 0) await count(tx, projectId, calls, traffic, rules)
  return seen.map((each) => {
    const known = traffic.get(each.finding.id)
    if (!known) return each
    const details = { ...each.finding.details, traffic: shown(known, rules) }
    return { ...each, finding: { ...each.finding, details } }
  })
}

function shown(traffic: Traffic, rules: DetectionRules): object {
  return {
    calls: traffic.calls,
    since: new Date(traffic.firstMs).toISOString(),
    nearest_miss_ms: traffic.nearestMissMs ?? null,
    collisions_a_month: rules.collisionsAMonth(traffic) ?? null,
  }
}

/** Adds the calls in the order of their beginning. A call that arrives late is set beside the latest one known of its
 *  entity, so that its miss may be taken for larger than it was.
 *  @param traffic is brought up to date */
async function count(
  tx: Tx,
  projectId: string,
  calls: readonly Counted[],
  traffic: Map<string, Traffic>,
  rules: DetectionRules,
): Promise<void> {
  const ofEntity = await loadEntityCalls(tx, projectId, calls)
  for (const call of calls.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const key = keyOf(call)
    const before = ofEntity.get(key)
    traffic.set(call.findingId, added(traffic.get(call.findingId), call, before, rules))
    const latest = before && before.fromMs > call.fromMs ? before : call
    ofEntity.set(key, {
      calls: (before?.calls ?? 0) + 1,
      fromMs: latest.fromMs,
      untilMs: latest.untilMs,
    })
  }
  await saveEntityCalls(tx, projectId, calls, ofEntity)
  await saveTraffic(tx, projectId, calls, traffic)
}

function added(
  known: Traffic | undefined,
  call: Counted,
  before: EntityCalls | undefined,
  { missMs }: DetectionRules,
): Traffic {
  const misses = [known?.nearestMissMs, before && missMs(before, call)].filter((ms) => ms !== undefined)
  return {
    calls: (known?.calls ?? 0) + 1,
    orderedPairs: (known?.orderedPairs ?? 0) + 2 * (before?.calls ?? 0),
    windowMsSum: (known?.windowMsSum ?? 0) + call.untilMs - call.fromMs,
    firstMs: Math.min(known?.firstMs ?? call.fromMs, call.fromMs),
    lastMs: Math.max(known?.lastMs ?? call.fromMs, call.fromMs),
    nearestMissMs: misses.length > 0 ? Math.min(...misses) : undefined,
  }
}

function keyOf({ findingId, entity }: Pick<Counted, 'findingId' | 'entity'>): string {
  return JSON.stringify([findingId, entity.type, entity.id])
}

async function loadTraffic(tx: Tx, projectId: string, ids: readonly string[]): Promise<Map<string, Traffic>> {
  const { rows } = await sql<Traffic & { finding_id: string; calls: string; miss: number | null }>`
    select finding_id, calls, ordered_pairs as "orderedPairs", window_ms_sum as "windowMsSum",
      first_ms as "firstMs", last_ms as "lastMs", nearest_miss_ms as miss
    from syncproof.hazard_traffic
    where project_id = ${projectId} and finding_id = any(${ids}::text[])`.execute(tx)
  return new Map(
    rows.map(({ finding_id, calls, miss, ...same }) => [
      finding_id,
      { ...same, calls: Number(calls), nearestMissMs: miss ?? undefined },
    ]),
  )
}

async function loadEntityCalls(
  tx: Tx,
  projectId: string,
  calls: readonly Counted[],
): Promise<Map<string, EntityCalls>> {
  const wanted = [...new Map(calls.map((call) => [keyOf(call), call])).values()]
  const { rows } = await sql<{ key: number; calls: string; from_ms: number; until_ms: number }>`
    select (wanted.n - 1)::integer as key, calls, from_ms, until_ms
    from unnest(${wanted.map((call) => call.findingId)}::text[], ${wanted.map((call) => call.entity.type)}::text[],
      ${wanted.map((call) => call.entity.id)}::text[]) with ordinality as wanted(finding_id, type, id, n)
    join syncproof.hazard_calls known on known.project_id = ${projectId}
      and known.finding_id = wanted.finding_id
      and known.entity_hash = syncproof.entity_hash(wanted.type, wanted.id)`.execute(tx)
  return new Map(
    rows.flatMap((row) => {
      const call = wanted[row.key]
      const known = { calls: Number(row.calls), fromMs: row.from_ms, untilMs: row.until_ms }
      return call ? [[keyOf(call), known]] : []
    }),
  )
}

async function saveEntityCalls(
  tx: Tx,
  projectId: string,
  calls: readonly Counted[],
  ofEntity: ReadonlyMap<string, EntityCalls>,
): Promise<void> {
  const changed = [...new Map(calls.map((call) => [keyOf(call), call]))].map(
    ([key, { findingId, entity }]) => ({
      finding_id: findingId,
      type: entity.type,
      id: entity.id,
      ...ofEntity.get(key),
    }),
  )
  // two entities that share a hash count as one
  await sql`
    insert into syncproof.hazard_calls as known (project_id, finding_id, entity_hash, calls, from_ms, until_ms)
    select distinct on (finding_id, hash) ${projectId}, finding_id, hash, calls, "fromMs", "untilMs"
    from jsonb_to_recordset(${jsonb(changed)}) as new(finding_id text, type text, id text, calls bigint,
        "fromMs" double precision, "untilMs" double precision)
      cross join lateral (select syncproof.entity_hash(type, id) as hash) as hashed
    order by finding_id, hash
    on conflict (project_id, finding_id, entity_hash) do update set
      calls = excluded.calls, from_ms = excluded.from_ms, until_ms = excluded.until_ms`.execute(tx)
}

async function saveTraffic(
  tx: Tx,
  projectId: string,
  calls: readonly Counted[],
  traffic: ReadonlyMap<string, Traffic>,
): Promise<void> {
  const changed = [...new Set(calls.map((call) => call.findingId))].map((id) => ({ id, ...traffic.get(id) }))
  await sql`
    insert into syncproof.hazard_traffic
    select ${projectId}, id, calls, "orderedPairs", "windowMsSum", "firstMs", "lastMs", "nearestMissMs"
    from jsonb_to_recordset(${jsonb(changed)}) as new(id text, calls bigint, "orderedPairs" double precision,
      "windowMsSum" double precision, "firstMs" double precision, "lastMs" double precision,
      "nearestMissMs" double precision)
    on conflict (project_id, finding_id) do update set
      calls = excluded.calls, ordered_pairs = excluded.ordered_pairs, window_ms_sum = excluded.window_ms_sum,
      first_ms = excluded.first_ms, last_ms = excluded.last_ms,
      nearest_miss_ms = excluded.nearest_miss_ms`.execute(tx)
}
