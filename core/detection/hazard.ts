import {
  type DetectedFinding,
  type EntityRef,
  type FindingKind,
  findingId,
  type StoredEvent,
} from '../contract/index.ts'
import { causeOf } from './cause.ts'
import { eventsOf } from './events.ts'
import type { OperationHistory } from './history.ts'

export interface HazardFacts {
  readonly entity: EntityRef
  readonly system: string
  readonly fields: readonly string[]
  readonly severity: DetectedFinding['severity']
  /** What the function does, as the rest of a sentence that begins with its name. */
  readonly does: string
  /** In the order of their sending. */
  readonly witness: readonly [StoredEvent, ...StoredEvent[]]
  /** Until when another call for the same entity meets this one, which it does from the sending of the first event
   *  on; on the process's monotonic clock. Default: the sending of the last one. */
  readonly untilUs?: number
}

/** A pattern that one call shows, found once for each function, entity type and system: its id is of these and not
 *  of the call. `details.window` is the time in which this call could have met another one. Undefined where the
 *  function's name, or the system's, is not known. */
export function hazardOf(
  history: OperationHistory,
  kind: FindingKind,
  facts: HazardFacts,
): DetectedFinding | undefined {
  const [started] = eventsOf(history.events, 'operation_started')
  const { entity, system, witness } = facts
  if (!started?.name || !system) return undefined
  const first = witness[0]
  const last = witness.at(-1) ?? first
  return {
    id: idOf(kind, started.name, entity.type, system),
    kind,
    verdict: 'hazard',
    severity: facts.severity,
    fields: facts.fields,
    summary: `${started.name} ${facts.does}`,
    cause: causeOf(history),
    witness: { events: witness },
    occurred_at: last.at,
    details: {
      function: started.name,
      entity_type: entity.type,
      system,
      entity_id: entity.id,
      window: { from: first.at, ms: ((facts.untilUs ?? last.monotonic_us) - first.monotonic_us) / 1_000 },
    },
  }
}

/** Functions are few and called often: their ids are remembered, so many of each of so many functions. */
const IDS_MAX = 32
const FUNCTIONS_MAX = 1_000
const idsOfFunctions = new Map<string, KnownId[]>()

interface KnownId {
  readonly kind: FindingKind
  readonly entityType: string
  readonly system: string
  readonly id: string
}

function idOf(kind: FindingKind, name: string, entityType: string, system: string): string {
  const ofFunction = idsOfFunctions.get(name) ?? []
  const known = ofFunction.find(
    (each) => each.kind === kind && each.entityType === entityType && each.system === system,
  )
  if (known) return known.id
  const id = findingId(kind, JSON.stringify([name, entityType, system]))
  if (idsOfFunctions.size >= FUNCTIONS_MAX) idsOfFunctions.clear()
  idsOfFunctions.set(name, [{ kind, entityType, system, id }, ...ofFunction].slice(0, IDS_MAX))
  return id
}

/** The first finding of each id. */
export function onceEach(findings: readonly (DetectedFinding | undefined)[]): readonly DetectedFinding[] {
  if (!findings.some((found) => found !== undefined)) return []
  const byId = new Map<string, DetectedFinding>()
  for (const found of findings) if (found && !byId.has(found.id)) byId.set(found.id, found)
  return [...byId.values()]
}
