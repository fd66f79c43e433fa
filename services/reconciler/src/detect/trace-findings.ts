import { ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api'
import type { Finding } from '@syncproof/core/contract'
import type { Store } from '@syncproof/store'

/** Ends the trace of the batch that brought the evidence with a span for each finding: from its being stored until the
 *  finding could be read. Does nothing where nobody traces. */
export async function traceFindings(
  store: Store,
  projectId: string,
  findings: readonly Finding[],
  receivedMs: number,
): Promise<void> {
  const ids = findings.flatMap(({ witness }) => witness.events.map(({ id }) => id))
  if (ids.length === 0) return
  const traces = await store.traces.of(projectId, ids)
  for (const { id, kind, verdict, entity, cause, witness } of findings) {
    // what came last made it show
    const traceparent = witness.events.toReversed().flatMap((event) => traces.get(event.id) ?? [])[0]
    const [, traceId, spanId] = traceparent?.split('-') ?? []
    if (traceId === undefined || spanId === undefined) continue
    const batch = trace.setSpanContext(ROOT_CONTEXT, {
      ...{ traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true },
    })
    const attributes = {
      'syncproof.finding.id': id,
      'syncproof.finding.kind': kind,
      'syncproof.finding.verdict': verdict,
      ...(entity && { 'syncproof.entity.type': entity.type }),
      ...(cause.operation !== undefined && { 'syncproof.operation': cause.operation }),
    }
    const startTime = Math.min(receivedMs, Date.now())
    trace.getTracer('syncproof').startSpan(`finding ${kind}`, { attributes, startTime }, batch).end()
  }
}
