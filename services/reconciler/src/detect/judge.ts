import {
  type DetectedFinding,
  type EntityRef,
  entityKey,
  type FindingKind,
  type Resolution,
} from '@syncproof/core/contract'
import {
  detectOperation,
  type OperationHistory,
  resolvePartialWrite,
  resolveUnknownOutcome,
  settled,
  syncedWrites,
  unseenVersions,
} from '@syncproof/core/detection'
import type { DetectionBatch, DetectionEvidence, DetectionVerdicts, SyncedWrite } from '@syncproof/store'
import { type Context, messageOf } from '../context.ts'
import { lateMaker, madeLate } from './late-makers.ts'

/** Kinds that later events can end, by what decides it. */
const RESOLVERS = {
  'partial-write': resolvePartialWrite,
  'unknown-outcome': resolveUnknownOutcome,
} as const
type ResolvableKind = keyof typeof RESOLVERS
const RESOLVABLE: readonly ResolvableKind[] = ['partial-write', 'unknown-outcome']
/** Kinds that are over when their operation, judged again, no longer shows them. */
const SETTLEABLE: readonly FindingKind[] = [...RESOLVABLE, 'orphaned-operation']

/** Evidence is read from a little before the finding: the clocks of two processes may differ. */
const CLOCK_MARGIN_MS = 60_000

/** Judges the operations of a batch, and ends the findings that their events settle. A detector that throws is
 *  counted and costs nobody else, so that one operation that nobody foresaw does not stop a lane. */
export async function judgeBatch(
  context: Context,
  batch: DetectionBatch,
  evidence: DetectionEvidence,
): Promise<DetectionVerdicts> {
  const findings = new Map<string, DetectedFinding>()
  const resolved = new Map<string, Resolution>()
  const synced: SyncedWrite[] = []
  const ended = endedNow(batch)
  const previous = await openFindings(batch, evidence)
  for (const history of batch.operations) {
    const detection = detectOperation(history)
    for (const { detector, error } of detection.failures) detectorFailed(context, detector, history, error)
    // each operation that shows a hazard counts
    for (const finding of detection.findings)
      findings.set(
        finding.verdict === 'hazard' ? `${finding.id} ${history.operationId}` : finding.id,
        finding,
      )
    // once, with its end
    if (ended.has(history.operationId)) synced.push(...syncedWrites(history, detection.findings))
    // what is not found any more is not over where its events are gone
    const over = history.holed ? [] : settled(history, previous, detection.findings)
    for (const { id, resolution } of over) resolved.set(id, resolution)
  }
  // also those found just now: lanes go on by themselves, so what ends a finding may have been judged before it
  const open = new Map([...previous, ...findings.values()].map((finding) => [finding.id, finding]))
  for (const finding of open.values()) {
    if (resolved.has(finding.id)) continue
    const resolution = await resolve(context, finding, evidence)
    if (resolution) resolved.set(finding.id, resolution)
  }
  for (const id of await madeLate(batch.events, evidence)) resolved.set(id, lateMaker())
  return {
    findings: [...findings.values()],
    resolved: [...resolved].map(([id, resolution]) => ({ id, resolution })),
    unseen: newlyUnseen(batch),
    synced,
  }
}

function endedNow({ events }: DetectionBatch): ReadonlySet<string> {
  return new Set(events.flatMap((event) => (event.kind === 'operation_finished' ? event.operation_id : [])))
}

/** Once, with the write that replaced it: an operation is judged again and again. */
function newlyUnseen({ operations, events }: DetectionBatch): NonNullable<DetectionVerdicts['unseen']> {
  const fresh = new Set(events.map(({ id }) => id))
  return operations.flatMap((history) =>
    unseenVersions(history)
      .filter(({ eventId }) => fresh.has(eventId))
      .map((unseen) => ({ ...unseen, operationId: history.operationId })),
  )
}

async function openFindings(batch: DetectionBatch, evidence: DetectionEvidence) {
  const entities = entitiesOf(batch)
  if (entities.length === 0) return []
  const found = []
  for (const kind of SETTLEABLE) found.push(...(await evidence.openFindings(kind, entities)))
  return found
}

function entitiesOf(batch: DetectionBatch): readonly EntityRef[] {
  const entities = new Map<string, EntityRef>()
  for (const { events } of batch.operations) {
    for (const event of events) {
      if ('entity' in event) entities.set(entityKey(event.entity), event.entity)
    }
  }
  return [...entities.values()]
}

async function resolve(
  context: Context,
  finding: DetectedFinding,
  evidence: DetectionEvidence,
): Promise<Resolution | undefined> {
  const kind = RESOLVABLE.find((resolvable) => resolvable === finding.kind)
  if (kind === undefined || finding.entity === undefined) return undefined
  const sinceMs = Date.parse(finding.occurred_at) - CLOCK_MARGIN_MS
  const events = await evidence.entityEvents(finding.entity, sinceMs)
  try {
    return RESOLVERS[kind](finding, events)
  } catch (error) {
    context.metrics.detectorFailures.inc({ detector: kind })
    context.log(`${kind} could not be resolved for ${finding.id}: ${messageOf(error)}`)
    return undefined
  }
}

function detectorFailed(context: Context, detector: string, history: OperationHistory, error: unknown): void {
  context.metrics.detectorFailures.inc({ detector })
  context.log(`detector ${detector} threw on operation ${history.operationId}: ${messageOf(error)}`)
}
