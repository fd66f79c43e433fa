import { randomUUID } from 'node:crypto'
import type {
  DetectedFinding,
  EntityRef,
  FindingKind,
  ProcessReport,
  SyncproofEvent,
} from '@syncproof/core/contract'
import { findingId } from '@syncproof/core/contract'

export const candidate: EntityRef = { type: 'candidate', id: '42' }

let ids = 0

/** A UUIDv7 of that time; later calls give greater ids. */
function uuidV7(timeMs: number = Date.now()): string {
  ids += 1
  const time = timeMs.toString(16).padStart(12, '0')
  const count = ids.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${count}`
}

/** A process whose events fall into the given lane. */
export function newProcess(lane = 0): ProcessReport {
  return { id: `${randomUUID().slice(0, -1)}${lane}`, service: 'candidate-api', release: 'r1', host: 'h1' }
}

export interface OperationOptions {
  readonly operationId?: string
  readonly entity?: EntityRef
  readonly firstSeq?: number
  readonly timeMs?: number
  /** The operation that called it. */
  readonly parentId?: string
  /** How many operations it called. */
  readonly calls?: number
}

type Operation = readonly [SyncproofEvent, SyncproofEvent, SyncproofEvent, SyncproofEvent]

/** An operation that writes, syncs (at the second attempt) and ends: four events with following numbers. */
export function operation(options: OperationOptions = {}): Operation {
  const { operationId = randomUUID(), entity = candidate, firstSeq = 0, timeMs = Date.now() } = options
  const { parentId, calls } = options
  const base = (place: number) => ({
    id: uuidV7(timeMs),
    seq: firstSeq + place,
    at: new Date(timeMs).toISOString(),
    monotonic_us: place,
    operation_id: operationId,
  })
  const of = { entity, action: 'update', fields: { name: 'k.r.1' }, outcome: 'ok' } as const
  return [
    {
      ...base(0),
      kind: 'operation_started',
      name: 'syncCandidate',
      entity,
      root_operation_id: parentId ?? operationId,
      ...(parentId && { parent_operation_id: parentId }),
      attempt: 1,
      intent: 'unspecified',
      syncs: [{ system: 'ats' }],
    },
    { ...base(1), ...of, kind: 'write', system: 'db', known_versions: [], assigned: {}, guard: 'none' },
    { ...base(2), ...of, kind: 'sync', system: 'ats', attempt: 2 },
    { ...base(3), kind: 'operation_finished', outcome: 'ok', ...(calls && { calls }) },
  ]
}

export function finding(kind: FindingKind, over: Partial<DetectedFinding> = {}): DetectedFinding {
  return {
    id: findingId(kind, 'primary'),
    kind,
    verdict: 'proven',
    severity: 'high',
    entity: candidate,
    fields: ['name'],
    summary: 'An update was lost',
    cause: { operation: 'syncCandidate', operation_id: randomUUID() },
    witness: { events: [] },
    occurred_at: '2026-11-20T12:00:00.000001Z',
    details: {},
    ...over,
  }
}
