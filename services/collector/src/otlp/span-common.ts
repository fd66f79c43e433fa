import {
  type EntityRef,
  type EventBase,
  formatToken,
  isToken,
  NO_ROW,
  UNREADABLE,
  type WriteAction,
} from '@syncproof/core/contract'
import type { OtlpSpan } from './otlp-span.ts'
import type { SpanAttributes } from './span-attributes.ts'
import { eventIdOf, operationIdOf, type Place, sequenceNumberOf } from './span-ids.ts'

/** What every event has. `at` is the moment of sending: the start of the span, and of an operation's end the end. The
 *  number of what is answered is of the moment of its answer, as in an SDK. */
export function common({ traceId, spanId, startNs, endNs }: OtlpSpan, place: Place): EventBase {
  const sentNs = place === 'end' ? endNs : startNs
  return {
    id: eventIdOf(traceId, spanId, place, sentNs),
    seq: sequenceNumberOf(traceId, spanId, place, place === 'start' ? startNs : endNs),
    at: instantOf(sentNs),
    // spans know the wall clock only
    monotonic_us: Number(sentNs / 1_000n),
  }
}

/** RFC 3339 with microseconds. A time that no Date reaches is left to the check of the event's id. */
function instantOf(ns: bigint): string {
  const ms = Math.min(Number(ns / 1_000_000n), DATE_MS_MAX)
  const us = String((ns / 1_000n) % 1_000n).padStart(3, '0')
  return `${new Date(ms).toISOString().slice(0, -1)}${us}Z`
}

const DATE_MS_MAX = Date.UTC(9999, 11, 31)

/** Of a read, a write or a sync. */
export function answered(span: OtlpSpan, attributes: SpanAttributes) {
  return {
    ...common(span, 'answer'),
    operation_id: operationOf(span, attributes),
    entity: entityOf(attributes),
    duration_us: Number(span.endNs - span.startNs) / 1_000,
  }
}

/** The operation that it is part of: the span above, or the one that it names. */
function operationOf({ traceId, parentSpanId }: OtlpSpan, attributes: SpanAttributes): string {
  const named = namedSpan(attributes)
  if (named === undefined && parentSpanId === undefined) {
    attributes.problem ??=
      'it has no parent: start it within the span of its operation, or name that one in syncproof.operation_span_id'
  }
  return operationIdOf(traceId, named ?? parentSpanId ?? '')
}

/** The span of an operation that `syncproof.operation_span_id` names. */
export function namedSpan(attributes: SpanAttributes): string | undefined {
  const id = attributes.text('operation_span_id')?.toLowerCase()
  if (id !== undefined && !/^[0-9a-f]{16}$/.test(id))
    attributes.problem ??= 'syncproof.operation_span_id must be 16 hex digits'
  return id
}

export function entityOf(attributes: SpanAttributes): EntityRef {
  return { type: attributes.required('entity.type'), id: attributes.required('entity.id') }
}

const ACTIONS = ['create', 'update', 'delete', 'upsert'] as const
export const OUTCOMES = ['ok', 'rejected', 'unknown'] as const

export function actionOf(attributes: SpanAttributes): WriteAction {
  return attributes.choice('action', ACTIONS) ?? 'update'
}

/** As `createFingerprinter` makes them; `!` is one of a field that could not be read. */
const FINGERPRINT = /^[0-9a-f]{8}\.[\w-]{1,64}\.[\w-]{22}$/

export function isFingerprint(text: string): text is string {
  return FINGERPRINT.test(text) || text === UNREADABLE
}

/** Values never leave the process that has them: what does not look like a fingerprint is refused, and not repeated. */
export const MUST_BE_FINGERPRINT = 'must be a fingerprint (docs/otlp.md), never the value itself'

export function fingerprintsOf(attributes: SpanAttributes, name: string) {
  return attributes.members(name, isFingerprint, MUST_BE_FINGERPRINT)
}

/** A version as a token. A bare one, such as the value of a column `version`, is named by the record it is of.
 *  @param system where that record is */
export function tokenOf(version: string, system: string, entity: EntityRef): string {
  if (version === NO_ROW || isToken(version)) return version
  return formatToken({
    kind: 'declared',
    database: system,
    table: entity.type,
    key: entity.id,
    value: version,
  })
}
