import type { DashboardSpec } from './dashboard.ts'
import { once } from './promql.ts'

const quantile = (q: number, metric: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket[$__rate_interval])))`

export const itself: DashboardSpec = {
  uid: 'syncproof-itself',
  title: 'Syncproof itself',
  description: 'Whether findings would come: what comes in, how far it is judged, and what is missing.',
  rows: [
    {
      title: 'Would a finding come?',
      stats: [
        {
          title: 'Heartbeat through every stage',
          description: 'How long ago the newest heartbeat began that has passed each stage.',
          queries: [
            { expr: `time() - ${once('syncproof_heartbeat_timestamp_seconds')}`, legend: '{{stage}}' },
          ],
          unit: 's',
          redFrom: 120,
          runbook: 'SyncproofHeartbeatLate',
        },
        {
          title: 'Waiting to be judged',
          description: 'The age of the oldest event that is stored and not judged.',
          queries: [{ expr: 'max(syncproof_detection_lag_seconds)', legend: 'age' }],
          unit: 's',
          redFrom: 60,
          runbook: 'SyncproofDetectorLag',
        },
        {
          title: 'Unaccounted events',
          description: 'Produced within a day, and neither stored nor dropped nor on their way.',
          queries: [{ expr: 'max(syncproof_events_unaccounted)', legend: 'events' }],
          unit: 'short',
          redFrom: 1,
          runbook: 'SyncproofEventsUnaccounted',
        },
        {
          title: 'Figures of the database',
          description: 'How old the figures are that collectors show of it.',
          queries: [
            {
              expr: 'time() - min(syncproof_store_figures_timestamp_seconds)',
              legend: 'age',
            },
          ],
          unit: 's',
          redFrom: 300,
          runbook: 'SyncproofStoreStale',
        },
      ],
    },
    {
      title: 'Coming in',
      graphs: [
        {
          title: 'Events',
          description: 'Per second, by what became of them.',
          queries: [
            {
              expr: 'sum by (result) (rate(syncproof_events_total[$__rate_interval]))',
              legend: '{{result}}',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofEventsRejected',
        },
        {
          title: 'Batch to commit',
          description: 'From the head of a batch to its answer, after the commit.',
          queries: [
            { expr: quantile(0.5, 'syncproof_ingest_duration_seconds'), legend: 'half' },
            { expr: quantile(0.99, 'syncproof_ingest_duration_seconds'), legend: '99 %' },
          ],
          unit: 's',
        },
        {
          title: 'Problems answered',
          description: 'Per second, by code: what each means is in docs/errors.md.',
          queries: [
            {
              expr: 'sum by (code) (rate(syncproof_http_problems_total[$__rate_interval])) > 0 or sum(rate(syncproof_http_problems_total[$__rate_interval]))',
              legend: '{{code}}',
            },
          ],
          unit: 'short',
        },
        {
          title: 'Books',
          description:
            'What became of the events that processes have produced within a day and that are not stored.',
          queries: [
            { expr: 'max(syncproof_events_in_flight)', legend: 'in flight' },
            { expr: 'max(syncproof_events_unaccounted)', legend: 'unaccounted' },
            { expr: `sum(${once('syncproof_events_dropped')}) or vector(0)`, legend: 'dropped by the SDK' },
            {
              expr: `sum(${once('syncproof_inconsistent_events_total')})`,
              legend: 'contradicting, all time',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofEventsUnaccounted',
        },
      ],
    },
    {
      title: 'Judging and comparing',
      graphs: [
        {
          title: 'Event to finding',
          description: 'From the answer to the oldest event of a step until its findings could be read.',
          queries: [
            { expr: quantile(0.5, 'syncproof_finding_delay_seconds'), legend: 'half' },
            { expr: quantile(0.99, 'syncproof_finding_delay_seconds'), legend: '99 %' },
          ],
          unit: 's',
          runbook: 'SyncproofDetectorLag',
        },
        {
          title: 'Jobs',
          description: 'By queue and state.',
          queries: [{ expr: 'max by (queue, state) (syncproof_queue_jobs)', legend: '{{queue}} {{state}}' }],
          unit: 'short',
          runbook: 'SyncproofJobsFailing',
        },
        {
          title: 'What failed',
          description: 'Within an hour each: jobs, detection steps, detectors, operations passed over.',
          queries: [
            { expr: 'sum(increase(syncproof_queue_job_failures_total[1h]))', legend: 'jobs' },
            { expr: 'sum(increase(syncproof_detection_step_failures_total[1h]))', legend: 'steps' },
            { expr: 'sum(increase(syncproof_detector_failures_total[1h]))', legend: 'detectors' },
            {
              expr: 'sum(increase(syncproof_detection_operations_skipped_total[1h]))',
              legend: 'operations passed over',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofOperationsSkipped',
        },
        {
          title: 'Memory and processors',
          description: 'Of each process.',
          queries: [
            { expr: 'process_resident_memory_bytes{job="syncproof"}', legend: '{{instance}} memory' },
          ],
          unit: 'bytes',
        },
      ],
    },
    {
      title: 'Telling',
      graphs: [
        {
          title: 'Messages to sinks',
          description: 'Within an hour, by sink and how each try ended.',
          queries: [
            {
              expr: 'sum by (sink, result) (increase(syncproof_alert_deliveries_total[1h]))',
              legend: '{{sink}} {{result}}',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofAlertGivenUp',
        },
        {
          title: 'Messages that wait',
          description: 'A sink has not taken them yet.',
          queries: [{ expr: 'max by (sink) (syncproof_alerts_waiting)', legend: '{{sink}}' }],
          unit: 'short',
          runbook: 'SyncproofAlertWaiting',
        },
        {
          title: 'Decision to delivery',
          description: 'From the decision that a sink is to be told something until it has taken it.',
          queries: [
            { expr: quantile(0.5, 'syncproof_alert_delivery_delay_seconds'), legend: 'half' },
            { expr: quantile(0.99, 'syncproof_alert_delivery_delay_seconds'), legend: '99 %' },
          ],
          unit: 's',
        },
        {
          title: 'Groups told of',
          description: 'A sink has heard of them, and not yet that they are over.',
          queries: [{ expr: 'max by (sink) (syncproof_alerts_firing)', legend: '{{sink}}' }],
          unit: 'short',
        },
      ],
    },
  ],
}
