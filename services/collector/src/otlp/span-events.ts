import type { SyncproofEvent } from '@syncproof/core/contract'
import { findHostile } from '../http/guard.ts'
import { isJson, type OtlpSpan, readSpan } from './otlp-span.ts'
import { SpanAttributes } from './span-attributes.ts'
import { operationEvents } from './span-operation.ts'
import { readEvent, writeEvent } from './span-row.ts'
import { syncEvent } from './span-sync.ts'

export type SpanOutcome =
  | { readonly is: 'taken'; readonly name: string; readonly events: readonly SyncproofEvent[] }
  /** It says nothing to us, or an SDK has reported what it says. */
  | { readonly is: 'ignored' }
  | { readonly is: 'rejected'; readonly message: string }

const IGNORED: SpanOutcome = { is: 'ignored' }

/** Each makes the events of a span that it names. */
const KINDS = {
  operation: operationEvents,
  read: (span: OtlpSpan, attributes: SpanAttributes) => [readEvent(span, attributes)],
  write: (span: OtlpSpan, attributes: SpanAttributes) => [writeEvent(span, attributes)],
  sync: (span: OtlpSpan, attributes: SpanAttributes) => [syncEvent(span, attributes)],
} as const

/** What a span says to us: events of the contract, not yet checked by it. */
export function eventsOfSpan(raw: unknown): SpanOutcome {
  if (!isJson(raw)) return rejected(undefined, 'must be an object')
  const attributes = new SpanAttributes(raw.attributes)
  // an SDK of ours marks the span in which it runs, and reports by itself
  if (attributes.isEmpty || attributes.has('operation_id')) return IGNORED
  const hostile = findHostile(raw)
  if (hostile !== undefined) return rejected(undefined, hostile.message)
  const span = readSpan(raw)
  if (typeof span === 'string') return rejected(undefined, span)
  // one of those that are gone may have been what takes a claim away
  if (Number(raw.droppedAttributesCount ?? 0) > 0)
    return rejected(span, 'attributes of it were dropped: raise the limit of attributes a span')
  const kinds = (Object.keys(KINDS) as (keyof typeof KINDS)[]).filter((kind) => attributes.has(kind))
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1)
    return rejected(
      span,
      `must have one of syncproof.operation, syncproof.read, syncproof.write and syncproof.sync, and has ${kinds.length === 0 ? 'none' : kinds.length}`,
    )
  const events = KINDS[kind](span, attributes)
  attributes.refuseUnread()
  return attributes.problem === undefined
    ? { is: 'taken', name: nameOf(span), events: events.map(withoutUndefined) }
    : rejected(span, attributes.problem)
}

function rejected(span: OtlpSpan | undefined, message: string): SpanOutcome {
  return {
    is: 'rejected',
    message: span === undefined ? `a span: ${message}` : `${nameOf(span)}: ${message}`,
  }
}

function nameOf({ traceId, spanId }: OtlpSpan): string {
  return `span ${spanId} of trace ${traceId}`
}

/** As it would come over the wire. */
function withoutUndefined(event: SyncproofEvent): SyncproofEvent {
  const members = Object.entries(event).filter(([, value]) => value !== undefined)
  return Object.fromEntries(members) as unknown as SyncproofEvent
}
