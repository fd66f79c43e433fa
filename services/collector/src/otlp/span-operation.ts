import type { OperationFinished, OperationStarted, SyncTarget } from '@syncproof/core/contract'
import type { OtlpSpan } from './otlp-span.ts'
import type { SpanAttributes } from './span-attributes.ts'
import { common, entityOf, namedSpan } from './span-common.ts'
import { operationIdOf, rootIdOf } from './span-ids.ts'

const INTENTS = ['optimistic', 'last_write_wins', 'unspecified'] as const

/** A span with `syncproof.operation`: one run of a function, told at its start and at its end. */
export function operationEvents(
  span: OtlpSpan,
  attributes: SpanAttributes,
): readonly [OperationStarted, OperationFinished] {
  const { traceId, spanId } = span
  const operation_id = operationIdOf(traceId, spanId)
  const caller = namedSpan(attributes)
  const started: OperationStarted = {
    ...common(span, 'start'),
    kind: 'operation_started',
    operation_id,
    name: attributes.required('operation'),
    entity: entityOf(attributes),
    // the trace stands for whoever called it, where nobody says who that was
    parent_operation_id: caller === undefined ? rootIdOf(traceId) : operationIdOf(traceId, caller),
    root_operation_id: rootIdOf(traceId),
    attempt: attributes.count('attempt') ?? 1,
    idempotency_key: attributes.text('idempotency_key'),
    intent: attributes.choice('intent', INTENTS) ?? 'unspecified',
    syncs: syncsOf(attributes),
    trace_id: traceId,
    span_id: spanId,
  }
  return [started, finishedOf(span, attributes, operation_id)]
}

function finishedOf(span: OtlpSpan, attributes: SpanAttributes, operation_id: string): OperationFinished {
  const { isError, exceptionType } = span
  return {
    ...common(span, 'end'),
    kind: 'operation_finished',
    operation_id,
    outcome: attributes.choice('outcome', ['ok', 'failed']) ?? (isError ? 'failed' : 'ok'),
    // its message may hold values
    ...(isError && { error: { type: exceptionType ?? 'Error', message: '' } }),
  }
}

/** The systems that it must reach: before it ends, and by an outbox. */
function syncsOf(attributes: SpanAttributes): readonly SyncTarget[] | undefined {
  const due = attributes.texts('syncs')?.map((system) => ({ system }))
  const later = attributes.texts('syncs_async')?.map((system) => ({ system, async: true }))
  return due || later ? [...(due ?? []), ...(later ?? [])] : undefined
}
