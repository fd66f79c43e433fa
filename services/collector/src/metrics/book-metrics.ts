import { CONTRADICTED, STAGES } from '@syncproof/store'
import { createLabelCap } from './cap-label.ts'
import type { StoreMetric } from './store-metric.ts'

/** What came of the events, and of what is declared about locks. */
export function bookMetrics(): readonly StoreMetric[] {
  const capSection = createLabelCap()
  const capReason = createLabelCap()
  const of = 'of processes that were heard of within a day'
  return [
    {
      type: 'counter',
      name: 'syncproof_section_runs_total',
      help: 'Runs of declared sections, by section and what the check of their lock said: held, not_held, unknown.',
      labelNames: ['section', 'result'],
      *samples({ sections }) {
        for (const { name, ...runs } of sections) {
          const section = capSection(name)
          for (const [result, value] of Object.entries(runs)) yield { labels: { section, result }, value }
        }
      },
    },
    {
      type: 'counter',
      name: 'syncproof_inconsistent_events_total',
      help: 'Events that contradict one stored before them, by what: its sequence number, operation, version, or content under one id.',
      labelNames: ['contradicts'],
      *samples({ inconsistent }) {
        for (const contradicts of CONTRADICTED) yield { labels: { contradicts }, value: 0 }
        for (const { contradicts, count } of inconsistent) yield { labels: { contradicts }, value: count }
      },
    },
    {
      type: 'gauge',
      name: 'syncproof_events_unaccounted',
      help: `Events that were produced and are neither stored nor dropped nor on their way, ${of}.`,
      labelNames: [],
      *samples({ books }) {
        yield { labels: {}, value: books.unaccounted }
      },
    },
    {
      type: 'gauge',
      name: 'syncproof_events_in_flight',
      help: `Events that were produced and may be on their way, ${of}.`,
      labelNames: [],
      *samples({ books }) {
        yield { labels: {}, value: books.inFlight }
      },
    },
    {
      type: 'gauge',
      name: 'syncproof_events_dropped',
      help: `Events that the SDK has dropped, sampled ones among them, by its reason, ${of}.`,
      labelNames: ['reason'],
      *samples({ books }) {
        for (const { reason, count } of books.dropped)
          yield { labels: { reason: capReason(reason) }, value: count }
      },
    },
    {
      type: 'gauge',
      name: 'syncproof_release_first_seen_timestamp_seconds',
      help: 'When a release of a service was first heard of; the last 50.',
      labelNames: ['service', 'release'],
      *samples({ releases }) {
        for (const { sinceMs, ...labels } of releases) yield { labels, value: sinceMs / 1_000 }
      },
    },
    {
      type: 'gauge',
      name: 'syncproof_heartbeat_timestamp_seconds',
      help: 'When the newest heartbeat began that has passed a stage: collected (stored as events are), judged (with every event before it), worked (a job of the queue has ended since); 0 = none yet.',
      labelNames: ['stage'],
      *samples({ heartbeats }) {
        for (const stage of STAGES) yield { labels: { stage }, value: (heartbeats[stage] ?? 0) / 1_000 }
      },
    },
  ]
}
