import type { Finding, StoredEvent } from '@syncproof/core/contract'
import { sql } from 'kysely'
import { inconsistentAmong, markContradictions } from './contradictions.ts'
import type { Database, Tx } from './database.ts'
import { linkNextEvents } from './event-links.ts'
import { entityEvents, toStoredEvent } from './events.ts'
import { openFindings, unresolvedAmong } from './findings.ts'
import { countQuietCalls } from './groups.ts'
import { withTraffic } from './hazard-traffic.ts'
import { heardOf } from './holes.ts'
import { endedCallers, filledOperations, openOperations } from './judged-again.ts'
import { lockFindings } from './locks.ts'
import { loadNeighbours } from './neighbours.ts'
import { loadHistories } from './operation-histories.ts'
import { projectOperations } from './operation-projection.ts'
import { recordFindings, resolveFindings } from './record-findings.ts'
import { rememberUnseen } from './replaced-versions.ts'
import { countSections } from './section-counts.ts'
import { SHADOW_PROJECT } from './shadow-project.ts'
import { countStep } from './step-counts.ts'
import type {
  DetectionBatch,
  DetectionEvidence,
  DetectionRules,
  DetectionStep,
  DetectionStore,
  DetectionVerdicts,
  OperationHistoryRow,
  SyncedWrite,
} from './store.ts'

/** As `syncproof.lane_of` spreads the processes. */
const LANES = 4

export function detectionStore(db: Database): DetectionStore {
  return {
    lanes: LANES,
    step: (lane, eventsMax, judge, rules) => step(db, { lane, eventsMax, judge, rules }),
    lag: () => detectionLag(db),
  }
}

interface NewEvent {
  readonly id: string
  readonly project_id: string
  readonly process_id: string
  readonly operation_id: string | null
  readonly position: string
  readonly received_ms: string
  /** Null for an event of an operation: it comes with the operation's history. */
  readonly payload: Omit<StoredEvent, 'process_id'> | null
}

/** What a step judged of one project. */
interface Judged {
  readonly batch: DetectionBatch
  /** Findings that were not stored before. */
  readonly created: readonly Finding[]
  readonly synced: readonly SyncedWrite[]
}

type Judge = Parameters<DetectionStore['step']>[2]

const DRAINED: DetectionStep = { events: 0, created: [] }

interface Step {
  readonly lane: number
  readonly eventsMax: number
  readonly judge: Judge
  readonly rules: DetectionRules | undefined
}

async function step(db: Database, given: Step): Promise<DetectionStep> {
  const { lane, eventsMax, rules } = given
  if (rules) {
    const anything = await db.transaction().execute((tx) => linkNextEvents(tx, lane, eventsMax, rules))
    if (!anything) return DRAINED
  }
  return db.transaction().execute((tx) => detectionStep(tx, given))
}

/** READ COMMITTED is enough: what may not change between two statements is either locked (the cursor) or read in
 *  one statement (a history with its sequence numbers). */
async function detectionStep(tx: Tx, { lane, eventsMax, judge, rules }: Step): Promise<DetectionStep> {
  const cursor = await lockCursor(tx, lane)
  if (cursor === undefined) return DRAINED
  const { position, linked } = cursor
  const next = await nextEvents(tx, lane, position, eventsMax)
  // what came since the links were stored waits for the next step
  const events = rules ? next.filter((event) => BigInt(event.position) <= BigInt(linked)) : next
  const last = events.at(-1)
  if (!last) return DRAINED
  await projectOperations(tx, lane, position, events)
  const judged: Judged[] = []
  // Sorted, because each project's findings stay locked until the commit.
  for (const [projectId, own] of [...byProject(events)].sort(([a], [b]) => (a < b ? -1 : 1))) {
    judged.push(await judgeProject(tx, projectId, own, { judge, rules }))
  }
  await countStep(tx, judged)
  await countSections(tx, position, judged)
  await sql`
    update syncproof.detection_cursors
    set position = ${last.position}, linked = greatest(linked, ${last.position})
    where lane = ${lane}`.execute(tx)
  return { events: events.length, created: judged.flatMap(shown) }
}

/** Whoever prints findings as they come has no use for the doctor's. */
function shown({ batch, created }: Judged): readonly Finding[] {
  return batch.projectId === SHADOW_PROJECT ? [] : created
}

interface Cursor {
  readonly position: string
  /** Up to here the links of events are stored. */
  readonly linked: string
}

async function lockCursor(tx: Tx, lane: number): Promise<Cursor | undefined> {
  const { rows } = await sql<Cursor>`
    select position, linked from syncproof.detection_cursors
    where lane = ${lane} for update skip locked`.execute(tx)
  return rows[0]
}

/** Positions of a lane become visible in order, so what follows the cursor is everything that was not judged. */
async function nextEvents(
  tx: Tx,
  lane: number,
  position: string,
  eventsMax: number,
): Promise<readonly NewEvent[]> {
  const { rows } = await sql<NewEvent>`
    select id, project_id, process_id, operation_id, position,
      case when operation_id is null then payload end as payload,
      floor(extract(epoch from received_at) * 1000)::bigint as received_ms
    from syncproof.next_events(${lane}, ${position}, ${eventsMax})`.execute(tx)
  return rows
}

function byProject(events: readonly NewEvent[]): Map<string, NewEvent[]> {
  return Map.groupBy(events, (event) => event.project_id)
}

async function judgeProject(
  tx: Tx,
  projectId: string,
  events: readonly NewEvent[],
  { judge, rules }: Pick<Step, 'judge' | 'rules'>,
): Promise<Judged> {
  const processIds = new Set(events.map((event) => event.process_id))
  const operationIds = new Set(events.flatMap((event) => event.operation_id ?? []))
  for (const id of await endedCallers(tx, projectId, [...operationIds])) operationIds.add(id)
  for (const id of await filledOperations(tx, projectId, [...processIds])) operationIds.add(id)
  const ended = events.flatMap(({ payload, process_id }) =>
    payload?.kind === 'process_ended' ? process_id : [],
  )
  for (const id of await openOperations(tx, projectId, ended)) operationIds.add(id)
  const histories = await consistentHistories(tx, projectId, [...operationIds], events, rules)
  const neighbours = rules ? await loadNeighbours(tx, projectId, histories, rules) : undefined
  const operations = histories.map((history) => ({
    ...history,
    neighbours: neighbours?.get(history.operationId) ?? [],
  }))
  const batch: DetectionBatch = {
    projectId,
    events: await withPayloads(tx, projectId, events, operations),
    operations,
    oldestReceivedMs: events.reduce((oldest, event) => Math.min(oldest, Number(event.received_ms)), Infinity),
  }
  const verdicts = await judge(batch, evidenceOf(tx, projectId))
  const created = await applyVerdicts(tx, batch, verdicts, rules)
  await countQuietCalls(tx, batch, created)
  return { batch, created, synced: verdicts.synced ?? [] }
}

/** What is marked is left out when they are loaded. */
async function consistentHistories(
  tx: Tx,
  projectId: string,
  operationIds: readonly string[],
  events: readonly NewEvent[],
  rules: DetectionRules | undefined,
) {
  const histories = await loadHistories(tx, projectId, operationIds)
  if (!rules) return histories
  const newIds = new Set(events.map((event) => event.id))
  const marked = await markContradictions(tx, projectId, newIds, histories, rules)
  return marked ? loadHistories(tx, projectId, operationIds) : histories
}

/** The new events in the order of their positions, without those that contradict others. */
async function withPayloads(
  tx: Tx,
  projectId: string,
  events: readonly NewEvent[],
  operations: readonly OperationHistoryRow[],
): Promise<readonly StoredEvent[]> {
  const byId = new Map(operations.flatMap((row) => row.events).map((event) => [event.id, event]))
  const missing = events.filter(({ id, payload }) => !payload && !byId.has(id)).map(({ id }) => id)
  const inconsistent = await inconsistentAmong(tx, projectId, missing)
  return events.flatMap(({ id, process_id, payload }) => {
    const event = payload ? toStoredEvent({ process_id, payload }) : byId.get(id)
    if (!event && !inconsistent.has(id))
      throw new Error(`Event ${id} is missing in the history of its operation`)
    return event ?? []
  })
}

async function applyVerdicts(
  tx: Tx,
  batch: DetectionBatch,
  verdicts: DetectionVerdicts,
  rules: DetectionRules | undefined,
): Promise<readonly Finding[]> {
  await rememberUnseen(tx, batch.projectId, verdicts.unseen ?? [])
  if (verdicts.findings.length === 0 && verdicts.resolved.length === 0) return []
  await lockFindings(tx, batch.projectId)
  const findings = await heardOf(tx, batch, verdicts.findings)
  // An operation is judged again with each of its events; it counts once, when it ends.
  const ended = new Set(
    batch.events.flatMap((event) => (event.kind === 'operation_finished' ? event.operation_id : [])),
  )
  const sightings = findings.map((finding) => ({
    finding,
    occurrences: ended.has(finding.cause.operation_id ?? '') ? 1 : 0,
  }))
  const seen = rules ? await withTraffic(tx, batch.projectId, sightings, rules) : sightings
  const created = await recordFindings(tx, batch.projectId, seen)
  await resolveFindings(tx, batch.projectId, verdicts.resolved)
  return created
}

function evidenceOf(tx: Tx, projectId: string): DetectionEvidence {
  return {
    openFindings: (kind, entities) => openFindings(tx, projectId, [kind], entities),
    unresolved: (ids) => unresolvedAmong(tx, projectId, ids),
    entityEvents: (entity, sinceMs) => entityEvents(tx, projectId, entity, sinceMs),
  }
}

async function detectionLag(db: Database): ReturnType<DetectionStore['lag']> {
  const { rows } = await sql<{ events: string; oldest_age_ms: string | null }>`
    select count(*) as events,
      greatest(0, floor(extract(epoch from clock_timestamp() - min(received_at)) * 1000))::bigint as oldest_age_ms
    from syncproof.detection_cursors as cursor
    join syncproof.events as event on event.lane = cursor.lane and event.position > cursor.position`.execute(
    db,
  )
  return { events: Number(rows[0]?.events ?? 0), oldestAgeMs: Number(rows[0]?.oldest_age_ms ?? 0) }
}
