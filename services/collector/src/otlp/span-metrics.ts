import { Counter, type Registry } from 'prom-client'
import type { SpansTaken } from './take-spans.ts'

const RESULTS = ['stored', 'ignored', 'rejected'] as const

export interface SpanMetrics {
  spans(taken: Pick<SpansTaken, (typeof RESULTS)[number]>): void
}

/** Spans are counted apart from events: one operation is one span and two events. */
export function registerSpanMetrics(registry: Registry): SpanMetrics {
  const spans = new Counter({
    name: 'syncproof_otlp_spans_total',
    help: 'Spans that came in, by what became of them: stored, ignored (nothing for Syncproof in them), rejected.',
    labelNames: ['result'],
    registers: [registry],
  })
  for (const result of RESULTS) spans.inc({ result }, 0)
  return {
    spans(taken) {
      for (const result of RESULTS) spans.inc({ result }, taken[result])
    },
  }
}
