import { isHashedId, type ProcessReport, parseToken, type StoredEvent } from '../contract/index.ts'
import { eventsOf, isCommitted, type StoredOf } from './events.ts'
import { foreignVersionOf } from './foreign-version.ts'
import type { OperationHistory } from './history.ts'

/** A version that a write replaced and its operation had not seen. */
export interface UnseenVersion {
  readonly version: string
  /** Of the write that replaced it. */
  readonly eventId: string
}

/** Those versions of an operation whose maker can be looked for: who made them would have reported just this token. */
export function unseenVersions({ events }: Pick<OperationHistory, 'events'>): readonly UnseenVersion[] {
  return eventsOf(events, 'write').flatMap((write) => {
    const version = foreignVersionOf(write)
    return version !== undefined && isNamedByAll(version) ? { version, eventId: write.id } : []
  })
}

/** Ids that PostgreSQL gives to no transaction: a row that it made itself, or froze long ago. */
const FIRST_NORMAL_XID = 3

/** Whether every writer that names the versions it makes gives this one the same name. Not so where the database did not
 *  say which it is, and not of versions that the app counts. */
function isNamedByAll(version: string): boolean {
  const token = parseToken(version)
  return (
    token?.kind === 'xmin' &&
    !token.database.startsWith('catalogue-') &&
    Number(token.value) >= FIRST_NORMAL_XID
  )
}

/** Whether what this event tells of may have made a version that the event does not name. */
export function hidesVersion(event: StoredEvent): boolean {
  switch (event.kind) {
    case 'write':
      if (event.outcome === 'rejected' || event.action === 'delete' || event.rows_over_limit === 0)
        return false
      return !isCommitted(event) || event.version === undefined || !isNamedByAll(event.version)
    case 'operation_finished':
      return (event.in_flight ?? 0) > 0
    case 'operation_started':
    case 'read':
    case 'transaction_finished':
    case 'sync':
    case 'section_entered':
    case 'section_left':
    case 'process_ended':
    case 'contract_violated':
    case 'invariant_violated':
      return false
    default:
      // of a later release
      return true
  }
}

/** Of a process that has said nothing of its clock: it may be off by this much. */
const CLOCK_UNKNOWN_MS: readonly [number, number] = [-60_000, 60_000]

/** On the collector's clock, in milliseconds since 1970, each as far out as it may have been. */
export interface Window {
  /** The operation began, with whatever called it. */
  readonly sinceMs: number
  /** Its write was answered. */
  readonly untilMs: number
}

/** When a version that a write replaced, and that its operation had not seen, came up.
 *  @param rootStartedMs of the operation's root, on the process's clock
 *  @returns undefined where the operation's start is not known */
export function windowOf(
  { events, process }: Pick<OperationHistory, 'events' | 'process'>,
  write: StoredOf<'write'>,
  rootStartedMs: number,
): Window | undefined {
  const [started] = eventsOf(events, 'operation_started')
  const answered = events.reduce((latest, event) => Math.max(latest, answeredMs(event)), answeredMs(write))
  const [low, high] = process.clock?.offset_ms ?? CLOCK_UNKNOWN_MS
  const sinceMs = Math.min(Date.parse(started?.at ?? ''), rootStartedMs) + low
  const untilMs = (write.duration_us === undefined ? answered : answeredMs(write)) + high
  return Number.isFinite(sinceMs) && Number.isFinite(untilMs) ? { sinceMs, untilMs } : undefined
}

function answeredMs(event: StoredEvent): number {
  const durationUs = 'duration_us' in event ? (event.duration_us ?? 0) : 0
  return Date.parse(event.at) + durationUs / 1000
}

/** Whether the event, which hides a version, may hide one of this entity's that came up in the window. */
export function mayHide(
  event: StoredEvent,
  process: Pick<ProcessReport, 'clock'>,
  { entity }: Pick<StoredOf<'write'>, 'entity'>,
  { untilMs }: Pick<Window, 'untilMs'>,
): boolean {
  const [low] = process.clock?.offset_ms ?? CLOCK_UNKNOWN_MS
  // an operation ends with writes under way that it began after it had begun itself
  const agoUs = event.kind === 'operation_finished' ? (event.duration_us ?? Number.POSITIVE_INFINITY) : 0
  if (Date.parse(event.at) - agoUs / 1000 + low > untilMs) return false
  if (event.kind !== 'write' || event.rows_over_limit !== undefined) return true
  const { type, id } = event.entity
  // one row, of a record of the same kind that is another one
  return type !== entity.type || id === entity.id || isHashedId(id) !== isHashedId(entity.id)
}
