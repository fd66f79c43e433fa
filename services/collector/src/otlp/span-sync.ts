import { isUuid, type Outcome, type SyncEvent, type WriteAction } from '@syncproof/core/contract'
import type { OtlpSpan } from './otlp-span.ts'
import type { SpanAttributes } from './span-attributes.ts'
import {
  actionOf,
  answered,
  fingerprintsOf,
  isFingerprint,
  MUST_BE_FINGERPRINT,
  OUTCOMES,
  tokenOf,
} from './span-common.ts'
import { operationIdOf } from './span-ids.ts'

/** A span with `syncproof.sync`: a call of another system. */
export function syncEvent(span: OtlpSpan, attributes: SpanAttributes): SyncEvent {
  const system = attributes.required('sync')
  const base = answered(span, attributes)
  const action = actionOf(attributes)
  return {
    ...base,
    kind: 'sync',
    system,
    action,
    version: carriedVersion(attributes, base.entity),
    fields: fingerprintsOf(attributes, 'fields') ?? {},
    outcome: attributes.choice('outcome', OUTCOMES) ?? outcomeBy(span, action),
    external_id: attributes.text('external_id'),
    external_version: attributes.text('external_version'),
    external_ordered: attributes.flag('external_ordered'),
    unique_key: uniqueKeyOf(attributes),
    status: span.httpStatus,
    attempt: attributes.count('attempt') ?? 1,
    idempotency_key: attributes.text('idempotency_key'),
    on_behalf_of: onBehalfOf(attributes),
  }
}

/** Of the row that the payload carries. A bare one is of the record in `syncproof.source`. */
function carriedVersion(attributes: SpanAttributes, entity: SyncEvent['entity']): string | undefined {
  const version = attributes.text('version')
  const source = attributes.text('source')
  if (version === undefined) return undefined
  const token = source === undefined ? version : tokenOf(version, source, entity)
  if (source === undefined && tokenOf(version, '', entity) !== version)
    attributes.problem ??=
      'syncproof.version of a sync must be a whole token, or syncproof.source must name its system'
  return token
}

function uniqueKeyOf(attributes: SpanAttributes): string | undefined {
  const key = attributes.text('unique_key')
  if (key !== undefined && !isFingerprint(key))
    attributes.problem ??= `syncproof.unique_key ${MUST_BE_FINGERPRINT}`
  return key
}

const TRACEPARENT = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/

/** The operation whose write it carries: its id, or the `traceparent` of its span, as an outbox has kept it. */
function onBehalfOf(attributes: SpanAttributes): string | undefined {
  const name = attributes.text('on_behalf_of')
  if (name === undefined || isUuid(name)) return name
  const [, trace, span] = TRACEPARENT.exec(name) ?? []
  if (trace !== undefined && span !== undefined) return operationIdOf(trace, span)
  attributes.problem ??=
    'syncproof.on_behalf_of must be the id of an operation, or the traceparent of its span'
  return undefined
}

const INDEFINITE_STATUSES: readonly number[] = [408, 409, 425, 429]

/** HTTP's own rules, where a status is told; else a span without an error was answered. An error may be one of the
 *  answer's way back. */
function outcomeBy({ httpStatus, isError }: OtlpSpan, action: WriteAction): Outcome {
  if (httpStatus === undefined) return isError ? 'unknown' : 'ok'
  if (httpStatus >= 200 && httpStatus < 300) return httpStatus === 202 || isError ? 'unknown' : 'ok'
  const isGone = (httpStatus === 404 || httpStatus === 410) && action === 'delete'
  const isDefinite =
    httpStatus >= 400 && httpStatus < 500 && !isGone && !INDEFINITE_STATUSES.includes(httpStatus)
  return isDefinite ? 'rejected' : 'unknown'
}
