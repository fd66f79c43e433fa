import { hash } from 'node:crypto'
import type { EntityRef } from './entity.ts'
import type { SyncproofEvent } from './event.ts'

/** `proven`: the events at hand prove it and no later event can retract it.
 *  `observed`: true of both systems when they were read.
 *  `indeterminate`: cannot be decided yet; a state, never an alert.
 *  `hazard`: nothing went wrong yet, but this code can do it. */
export const VERDICTS = ['proven', 'observed', 'indeterminate', 'hazard'] as const
export type Verdict = (typeof VERDICTS)[number]

export const FINDING_STATUSES = ['open', 'resolved', 'acknowledged', 'muted'] as const
export type FindingStatus = (typeof FINDING_STATUSES)[number]

export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const
export type Severity = (typeof SEVERITIES)[number]

/** Every kind of finding that this release can report; each has a page in docs/findings/. */
export const FINDING_KINDS = [
  'lost-update',
  'write-conflict',
  'lock-void',
  'partial-write',
  'unknown-outcome',
  'reordered-sync',
  'duplicate-create',
  'orphaned-operation',
  'unobserved-write',
  'write-skew',
  'contract-violation',
  'invariant-violation',
  'unguarded-read-modify-write',
  'lock-outside-transaction',
  'read-before-lock',
  'check-then-create',
  'sync-without-outbox',
  'sync-inside-transaction',
  'missing-in-target',
  'unexpected-in-target',
  'field-mismatch',
] as const
export type FindingKind = (typeof FINDING_KINDS)[number]

/** Those about a state of two systems: it ends, and may come back. */
export const DIVERGENCE_KINDS = [
  'missing-in-target',
  'unexpected-in-target',
  'field-mismatch',
] as const satisfies readonly FindingKind[]

/** The operation that did it. */
export interface Cause {
  readonly operation_id?: string | undefined
  /** Name of the wrapped function. */
  readonly operation?: string | undefined
  readonly service?: string | undefined
  readonly release?: string | undefined
  readonly trace_id?: string | undefined
}

/** An event as stored: with the process that sent it. */
export type StoredEvent = SyncproofEvent & { readonly process_id: string }

/** The smallest set of facts from which the finding can be derived again. */
export interface Witness {
  readonly events: readonly StoredEvent[]
  /** For findings that rest on reading both systems: what was read, when. */
  readonly observations?: readonly Observation[] | undefined
}

/** One read of one record of one system, by the reconciler. */
export interface Observation {
  readonly system: string
  /** RFC 3339. */
  readonly observed_at: string
  readonly found: boolean
  /** Field name to fingerprint. */
  readonly fields: Readonly<Record<string, string>>
}

/** What a detector or a reconciliation says; the store adds status and times seen. */
export interface DetectedFinding {
  /** See `findingId`. */
  readonly id: string
  readonly kind: FindingKind
  readonly verdict: Verdict
  readonly severity: Severity
  /** Absent where the finding is about a function. */
  readonly entity?: EntityRef | undefined
  readonly fields: readonly string[]
  /** One sentence, no values of records. */
  readonly summary: string
  /** Why it cannot be decided yet; only with `indeterminate`. */
  readonly reason?: string | undefined
  readonly cause: Cause
  readonly witness: Witness
  /** When it happened, RFC 3339. */
  readonly occurred_at: string
  /** Kind-specific facts: systems, counts, the pair … */
  readonly details: Readonly<Record<string, unknown>>
}

/** A finding as the report API shows it. */
export interface Finding extends DetectedFinding {
  readonly status: FindingStatus
  readonly first_seen_at: string
  readonly last_seen_at: string
  /** How many times it was seen; for a hazard, how many operations showed the pattern. */
  readonly occurrences: number
  readonly resolution?: Resolution | undefined
  readonly note?: string | undefined
}

export interface Resolution {
  /** RFC 3339. */
  readonly at: string
  /** One sentence: what made it be over. */
  readonly why: string
}

/** A finding's id: a hash of its kind and of what it is primarily about, an event id for most kinds.
 *  Never of the whole witness, so that a finding seen with more evidence is still the same one. */
export function findingId(kind: FindingKind, primary: string): string {
  return `f_${hash('sha256', `${kind}\n${primary}`, 'hex').slice(0, 32)}`
}
