import type { EventKind, RejectedEvent } from '@syncproof/core/contract'
import { type ErrorCode, errorCatalogue } from '@syncproof/core/contract/errors'
import { eventSchemas } from '@syncproof/core/contract/schema'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { isEventKind } from '../ingest/check-event.ts'

/** The label for kinds that this release does not know: their names come from outside. */
const UNKNOWN_KIND = '__unknown__'

const EVENT_RESULTS = ['accepted', 'duplicate', 'rejected'] as const
const REJECTION_CODES = ['invalid_event', 'event_time_out_of_range'] as const satisfies readonly ErrorCode[]
const BATCH_RESULTS = ['stored', 'heartbeat', 'refused'] as const
export type BatchResult = (typeof BATCH_RESULTS)[number]

export interface ProblemMetrics {
  problem(code: ErrorCode): void
}

export interface IngestMetrics extends ProblemMetrics {
  events(batch: {
    readonly valid: readonly { readonly kind: string }[]
    readonly accepted: number
    readonly duplicates: number
    readonly rejected: readonly RejectedEvent[]
  }): void
  /** @param traceparent of the request, as W3C Trace Context writes it, where it has one */
  batch(result: BatchResult, durationSeconds: number, traceparent?: string): void
}

/** What the collector counts itself. Labels come from closed sets only, each 0 before the first event.
 *  @param bodyBytes of bodies in memory */
export function registerIngestMetrics(registry: Registry, bodyBytes: () => number): IngestMetrics {
  // exemplars are part of this format alone
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  const registers = [registry]
  const results = new Counter({
    name: 'syncproof_events_total',
    help: 'Events that came in, by what became of them.',
    labelNames: ['result'],
    registers,
  })
  const kinds = new Counter({
    name: 'syncproof_events_valid_total',
    help: 'Events that kept the contract, duplicates among them, by kind.',
    labelNames: ['kind'],
    registers,
  })
  const rejections = new Counter({
    name: 'syncproof_events_rejected_total',
    help: 'Events that were rejected, by the code of the error catalogue.',
    labelNames: ['code'],
    registers,
  })
  const batches = new Counter({
    name: 'syncproof_ingest_batches_total',
    help: 'Batches, by result: stored, heartbeat (no events), refused.',
    labelNames: ['result'],
    registers,
  })
  const duration = new Histogram({
    name: 'syncproof_ingest_duration_seconds',
    enableExemplars: true,
    help: 'From the head of a batch to its answer, after the commit; refused batches are not in it.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const problems = new Counter({
    name: 'syncproof_http_problems_total',
    help: 'Problem documents that were sent, by the code of the error catalogue.',
    labelNames: ['code'],
    registers,
  })
  new Gauge({
    name: 'syncproof_ingest_body_bytes',
    help: 'Bytes of batches that are in memory now; what would be too much is answered 503.',
    registers,
    collect() {
      this.set(bodyBytes())
    },
  })
  for (const result of EVENT_RESULTS) results.inc({ result }, 0)
  for (const kind of [...Object.keys(eventSchemas), UNKNOWN_KIND]) kinds.inc({ kind }, 0)
  for (const code of REJECTION_CODES) rejections.inc({ code }, 0)
  for (const result of BATCH_RESULTS) batches.inc({ result }, 0)
  for (const code of Object.keys(errorCatalogue)) problems.inc({ code }, 0)

  return {
    events({ valid, accepted, duplicates, rejected }) {
      results.inc({ result: 'accepted' }, accepted)
      results.inc({ result: 'duplicate' }, duplicates)
      results.inc({ result: 'rejected' }, rejected.length)
      for (const [kind, count] of countKinds(valid)) kinds.inc({ kind }, count)
      for (const { code } of rejected) rejections.inc({ code })
    },
    batch(result, durationSeconds, traceparent) {
      batches.inc({ result })
      const exemplarLabels = exemplarOf(traceparent)
      if (result !== 'refused') duration.observe({ value: durationSeconds, exemplarLabels })
    },
    problem: (code) => problems.inc({ code }),
  }
}

/** None where it is not known: an exemplar has no empty labels. */
function exemplarOf(traceparent: string | undefined): { readonly trace_id?: string } {
  const [, trace_id] = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(traceparent ?? '') ?? []
  return trace_id === undefined ? {} : { trace_id }
}

/** One increment a kind and batch: increments by event would cost more than the check. */
function countKinds(
  events: readonly { readonly kind: string }[],
): Map<EventKind | typeof UNKNOWN_KIND, number> {
  const counts = new Map<EventKind | typeof UNKNOWN_KIND, number>()
  for (const { kind } of events) {
    const label = isEventKind(kind) ? kind : UNKNOWN_KIND
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return counts
}
