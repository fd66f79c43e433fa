import {
  type EventKind,
  isUuid,
  limits,
  type OpaqueEvent,
  type RejectedEvent,
  type SyncproofEvent,
  uuidV7TimeMs,
} from '@syncproof/core/contract'
import type { ErrorCode } from '@syncproof/core/contract/errors'
import { eventSchemas, opaqueEventSchema } from '@syncproof/core/contract/schema'
import type { EventHorizon } from '@syncproof/store'
import { findHostile } from '../http/guard.ts'
import { jsonPointer } from '../http/json-pointer.ts'
import { issuePath } from '../http/validate.ts'
import { collectorLimits } from '../limits.ts'
import { Turns } from './turns.ts'

type AcceptedEvent = SyncproofEvent | OpaqueEvent

export interface CheckedEvents {
  readonly accepted: readonly AcceptedEvent[]
  readonly rejected: readonly RejectedEvent[]
}

const turns = new Turns(collectorLimits.checksAtOnce, collectorLimits.turnMs)

/** Judges each event of a batch by itself: a bad one costs no other. Of each rejected one, the first issue. Lets others
 *  have their turn: a batch of events with 500 bad fields each takes seconds.
 *  @param nowMs the collector's clock, milliseconds since 1970
 *  @param horizon what is older is refused */
export function checkEvents(
  events: readonly unknown[],
  nowMs: number,
  horizon: EventHorizon = { sinceMs: nowMs - collectorLimits.eventAgeMsMax, byKind: {} },
): Promise<CheckedEvents> {
  return turns.run(async (breathe) => {
    const accepted: AcceptedEvent[] = []
    const rejected: RejectedEvent[] = []
    for (const [index, event] of events.entries()) {
      const pause = breathe()
      if (pause) await pause
      const rejection = rejectEvent(index, event, nowMs, horizon)
      // kept as it came, with members that no schema names: a later release may read them
      if (rejection === undefined) accepted.push(event as AcceptedEvent)
      else rejected.push(rejection)
    }
    return { accepted, rejected }
  })
}

export function isEventKind(kind: unknown): kind is EventKind {
  return typeof kind === 'string' && Object.hasOwn(eventSchemas, kind)
}

function rejectEvent(
  index: number,
  event: unknown,
  nowMs: number,
  horizon: EventHorizon,
): RejectedEvent | undefined {
  const rejection = (code: ErrorCode, path: readonly PropertyKey[], message: string): RejectedEvent => ({
    index,
    code,
    pointer: jsonPointer(`/events/${index}`, path),
    message,
  })
  const hostile = findHostile(event)
  if (hostile !== undefined) return rejection('invalid_event', hostile.path, hostile.message)

  const kind: unknown = (event as { kind?: unknown } | null)?.kind
  const schema = isEventKind(kind) ? eventSchemas[kind] : opaqueEventSchema
  const result = schema.safeParse(event)
  if (!result.success) {
    const [issue] = result.error.issues
    return rejection('invalid_event', issuePath(issue), issue?.message ?? 'is not valid')
  }
  const unstorable = findUnstorable(event as Readonly<Record<string, unknown>>)
  if (unstorable !== undefined) return rejection('invalid_event', ...unstorable)
  const range = outOfRange(result.data, nowMs, horizon)
  return range === undefined ? undefined : rejection('event_time_out_of_range', ...range)
}

/** What the schemas let through and PostgreSQL would refuse, and the whole batch with it: a member that another kind's
 *  schema names, and instants of a year or an offset that no calendar has. And what the store would take for an event that
 *  was erased: no export has it, and nothing contradicts it. */
function findUnstorable(
  event: Readonly<Record<string, unknown>>,
): [path: readonly string[], message: string] | undefined {
  const { operation_id, at, kind } = event
  if (kind === 'erased') return [['kind'], 'must be something else: what was erased has this kind']
  if (
    operation_id !== undefined &&
    !(typeof operation_id === 'string' && isUuid(operation_id.toLowerCase()))
  ) {
    return [['operation_id'], 'must be a UUID']
  }
  const [, year, offsetHours = '00'] = INSTANT.exec(String(at)) ?? []
  if (Number(year) < 1970 || Number(offsetHours) > 14) {
    return [['at'], 'must be an instant after 1970 with an offset of at most 14 hours']
  }
  return undefined
}

const INSTANT = /^(\d{4}).*?(?:[+-](\d\d):\d\d)?$/

/** The id says when an event was produced, `at` when its request was sent, by the same clock and not later. No lower bound
 *  but the retention is sound: a transaction may be open for long, and an event may wait in a spool. What was under way for
 *  longer than anything is kept has lost its beginning, and most likely it is a clock that was set in between. */
function outOfRange(
  { id, at, kind }: Pick<AcceptedEvent, 'id' | 'at' | 'kind'>,
  nowMs: number,
  horizon: EventHorizon,
): [path: readonly string[], message: string] | undefined {
  const madeMs = uuidV7TimeMs(id) ?? Number.NaN
  if (madeMs > nowMs + limits.eventAheadMsMax) {
    return [
      ['id'],
      `the time in the id, ${isoTime(madeMs)}, is more than an hour ahead of ${isoTime(nowMs)} here`,
    ]
  }
  const keptMs = Object.hasOwn(horizon.byKind, kind) ? (horizon.byKind[kind] ?? 0) : 0
  if (madeMs < Math.max(horizon.sinceMs, keptMs)) {
    return [
      ['id'],
      `the time in the id, ${isoTime(madeMs)}, is before what is kept; it is ${isoTime(nowMs)} here`,
    ]
  }
  const sentMs = Date.parse(at)
  if (sentMs > nowMs + limits.eventAheadMsMax) {
    return [['at'], `${isoTime(sentMs)} is more than an hour ahead of ${isoTime(nowMs)} here`]
  }
  if (sentMs < madeMs - (nowMs - horizon.sinceMs)) {
    return [
      ['at'],
      `${isoTime(sentMs)} is longer before ${isoTime(madeMs)}, the time in the id, than anything is kept`,
    ]
  }
  return undefined
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString()
}
