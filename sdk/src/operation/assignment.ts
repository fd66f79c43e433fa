import type { Assignment, EntityRef, Fingerprints } from '@syncproof/core/contract'
import { plainDecimal, UNREADABLE } from '@syncproof/core/contract'
import { now } from '../clock.ts'
import { labelJson, TextMap } from '../report/text-map.ts'
import { dateMs, fieldNames, memberOf } from './member.ts'
import type { Operation } from './operation.ts'
import type { Kept } from './record-reader.ts'

export interface AssignmentFacts {
  readonly operation: Operation
  readonly entity: EntityRef
  /** What the app assigned. */
  readonly data: unknown
  /** Fields whose new value the database computes. */
  readonly expressions?: readonly string[] | undefined
  readonly counter: readonly string[]
  readonly lastWriteWins: readonly string[]
  /** The row after the write, where the database told it: as it came, and as fingerprints. */
  readonly after: { readonly record: unknown; readonly fields: Fingerprints } | undefined
  readonly base: Fingerprints | undefined
}

type AssignedMap = TextMap & Record<string, Assignment>

/** How each assigned field came by its value; see `Assignment` in the contract. In doubt the kind that proves
 *  less. */
export function classifyAssignments(facts: AssignmentFacts): AssignedMap {
  const assigned = new TextMap() as AssignedMap
  if (facts.operation.sampledOut) return assigned
  const reader = facts.operation.readerOf(facts.entity)
  const isComputed = facts.expressions && facts.expressions.length > 0
  let json = ''
  let place = 0
  for (const field of fieldNames(facts.data)) {
    const value = memberOf(facts.data, field)
    const kept = reader.field(field, value, place)
    place += 1
    if (!kept) continue
    const kind = classify(facts, value, kept)
    if (isComputed) assigned[field] = kind
    else json += kept.column.json + labelJson(kind)
  }
  // only its JSON is asked for
  if (!isComputed) return TextMap.spelled(assigned, `{${json.slice(1)}}`) as AssignedMap
  const computed = Object.fromEntries(facts.expressions.map((field) => [field, null]))
  for (const field of fieldNames(computed)) assigned[field] = 'expression'
  return assigned
}

function classify(facts: AssignmentFacts, value: unknown, { column, fingerprint }: Kept): Assignment {
  const { operation, after, base } = facts
  const field = column.name
  if (facts.counter.includes(field)) return 'counter'
  if (facts.lastWriteWins.includes(field)) return 'last_write_wins'
  if (fingerprint === UNREADABLE) return 'unknown'
  // a trigger, a default or a rounding made something else of it
  if (after && after.fields[field] !== fingerprint && !isStoredAs(value, memberOf(after.record, field)))
    return 'unknown'
  const blind = base?.[field] === fingerprint ? undefined : blindKind(operation, field, value)
  if (blind !== undefined) return blind
  return operation.wasSupplied(value, column.rule) ? 'supplied' : 'value'
}

/** Values that nobody computes from what was there before, so that writing one takes no update for granted: a
 *  point in time from now on (a timestamp that every write sets, a lease), who did it, a random identifier. */
function blindKind(operation: Operation, field: string, value: unknown): Assignment | undefined {
  if (isLater(operation, value) || WHO.test(field)) return 'last_write_wins'
  return typeof value === 'string' && UUID.test(value) ? 'unknown' : undefined
}

const WHO = /^(last_?)?(updated|modified|changed|edited|touched)_?by(_?id)?$/i
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether the database spells this value so: numeric and bigint columns come back as text, points in time in
 *  another form. */
function isStoredAs(value: unknown, stored: unknown): boolean {
  const assigned = decimalOf(value)
  if (assigned !== undefined) return assigned === decimalOf(stored)
  const instant = typeof value === 'number' ? undefined : instantMs(value)
  return instant !== undefined && instant === instantMs(stored)
}

function decimalOf(value: unknown): string | undefined {
  return typeof value === 'number' || typeof value === 'bigint' || typeof value === 'string'
    ? plainDecimal(value)
    : undefined
}

/** A point in time from the operation's start on. A number may be anything, unless it is of now: in milliseconds, or in
 *  whole seconds, of which any part may be meant. */
function isLater(operation: Operation, value: unknown): boolean {
  const ms = instantMs(value)
  if (ms === undefined) return false
  const lastMs = ms === value && ms < 1e11 ? ms * 1000 + 999 : ms
  return lastMs >= startMs(operation) && (ms !== value || lastMs <= now().wallUs / 1000 + 1500)
}

const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/

/** JS dates are cut to the millisecond. */
function startMs(operation: Operation): number {
  return Math.floor(operation.root.startedAt.wallUs / 1000) - 1
}

function instantMs(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'string') return INSTANT.test(value) ? Date.parse(value) : undefined
  return dateMs(value)
}
