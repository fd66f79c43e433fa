import type { Assignment, EntityRef, Fingerprints } from '@syncproof/core/contract'
import { UNREADABLE } from '@syncproof/core/contract'
import { now } from '../clock.ts'
import type { Operation } from './operation.ts'
import { fieldNames, memberOf } from './record-reader.ts'

export interface AssignmentFacts {
  readonly operation: Operation
  readonly entity: EntityRef
  /** What the app assigned. */
  readonly data: unknown
  readonly counter: readonly string[]
  readonly lastWriteWins: readonly string[]
  /** The row after the write, where the database told it. */
  readonly after: Fingerprints | undefined
  readonly base: Fingerprints | undefined
}

/** How each assigned field came by its value; see `Assignment` in the contract. In doubt the kind that proves
 *  less. */
export function classifyAssignments(facts: AssignmentFacts): Record<string, Assignment> {
  const assigned: Record<string, Assignment> = Object.create(null)
  for (const field of fieldNames(facts.data)) {
    const kind = classify(facts, field)
    if (kind !== undefined) assigned[field] = kind
  }
  return assigned
}

function classify(facts: AssignmentFacts, field: string): Assignment | undefined {
  const { operation, entity, after, base } = facts
  const member = memberOf(facts.data, field)
  const fingerprint = operation.instruments.reader.field(entity, field, member, operation.fingerprints)
  if (fingerprint === undefined) return undefined
  if (facts.counter.includes(field)) return 'counter'
  if (facts.lastWriteWins.includes(field)) return 'last_write_wins'
  if (!member.readable || fingerprint === UNREADABLE) return 'unknown'
  // a trigger, a default or a rounding made something else of it
  if (after && after[field] !== fingerprint) return 'unknown'
  if (base?.[field] !== fingerprint && wasMadeDuring(operation, member.value)) return 'last_write_wins'
  return operation.wasSupplied(entity.type, field, member.value) ? 'supplied' : 'value'
}

const INSTANT = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/

/** A point in time within the operation's interval: a timestamp that every write sets. */
function wasMadeDuring(operation: Operation, value: unknown): boolean {
  const ms = instantMs(value)
  // JS dates are cut to the millisecond
  const startedMs = Math.floor(operation.root.startedAt.wallUs / 1000) - 1
  return ms !== undefined && ms >= startedMs && ms <= now().wallUs / 1000 + 1
}

function instantMs(value: unknown): number | undefined {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'number') return value
  return typeof value === 'string' && INSTANT.test(value) ? Date.parse(value) : undefined
}
