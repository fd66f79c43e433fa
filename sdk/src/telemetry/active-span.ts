import { attempt } from '../operation/guarded.ts'

/** What is used of a span of `@opentelemetry/api`. */
interface Span {
  spanContext(): { readonly traceId: string; readonly spanId: string }
  setAttributes(attributes: Readonly<Record<string, string>>): unknown
}

interface OpenTelemetryApi {
  readonly context?: { active(): { getValue(key: symbol): unknown } }
}

// Every copy of @opentelemetry/api 1.x meets the others in this global, and names the active span by this key. So
// the app's copy is found without importing one, which may not be there.
const API = Symbol.for('opentelemetry.js.api.1')
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN')

/** The span that the calling code runs in; undefined without OpenTelemetry, or outside any span. */
export function activeSpan(): Span | undefined {
  const api = (globalThis as { [API]?: OpenTelemetryApi })[API]
  // a context manager of the app's own may fail
  return attempt(() => api?.context?.active().getValue(SPAN) as Span | undefined)
}

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/

/** `trace_id` and `span_id` of an event; neither where the span is none that a trace could show. */
export function traceOf(span: Span | undefined): { trace_id: string; span_id: string } | undefined {
  if (!span) return undefined
  return attempt(() => {
    const { traceId, spanId } = span.spanContext()
    return TRACE_ID.test(traceId) && SPAN_ID.test(spanId) ? { trace_id: traceId, span_id: spanId } : undefined
  })
}

/** Names an operation on a span, so that a trace shows it. Nothing that could be a value of a record. */
export function markSpan(
  span: Span | undefined,
  operation: { id: string; name: string; type: string },
): void {
  // a span processor of the app's own may fail
  attempt(() =>
    span?.setAttributes({
      'syncproof.operation_id': operation.id,
      'syncproof.operation': operation.name,
      'syncproof.entity_type': operation.type,
    }),
  )
}
