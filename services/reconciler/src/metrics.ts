import { FINDING_KINDS, type Finding } from '@syncproof/core/contract'
import type { ReportResult, Store } from '@syncproof/store'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Pair } from './pairs.ts'

const RESULTS: readonly ReportResult[] = ['clean', 'diverged', 'unknown']
const SIDES = ['source', 'target'] as const
const LOOKED = ['made', 'unobserved', 'undecided'] as const
const FATES = ['committed', 'aborted'] as const

export interface ReconcilerMetrics {
  readonly findingDelay: Histogram<'kind'>
  readonly detectorFailures: Counter<'detector'>
  readonly stepFailures: Counter
  readonly operationsSkipped: Counter
  readonly runs: Counter<'pair' | 'result'>
  readonly rows: Counter<'pair' | 'side'>
  readonly runDuration: Histogram<'pair'>
  readonly indeterminate: Gauge<'pair'>
  readonly jobFailures: Counter<'queue'>
  readonly commitsSettled: Counter<'fate'>
  readonly replacedVersions: Counter<'result'>
}

export interface MetricsOptions {
  readonly registers: readonly [Registry]
  readonly store: Store
  readonly projectId: string
  readonly pairs: ReadonlyMap<string, Pair>
  readonly queues: readonly string[]
}

/** Registers the reconciler's metrics. Every series of a configured pair is there, as 0, before the first run.
 *  Lag and last success are read from the store at each scrape, so that they survive restarts and are the
 *  same in every process; while the store does not answer they have no sample, never an old value. */
export function reconcilerMetrics(options: MetricsOptions): ReconcilerMetrics {
  const metrics = { ...detectionMetrics(options), ...runMetrics(options) }
  for (const pair of options.pairs.keys()) {
    for (const result of RESULTS) metrics.runs.inc({ pair, result }, 0)
    for (const side of SIDES) metrics.rows.inc({ pair, side }, 0)
    metrics.runDuration.zero({ pair })
    metrics.indeterminate.set({ pair }, 0)
  }
  for (const kind of FINDING_KINDS) metrics.findingDelay.zero({ kind })
  for (const queue of options.queues) metrics.jobFailures.inc({ queue }, 0)
  for (const result of LOOKED) metrics.replacedVersions.inc({ result }, 0)
  for (const fate of FATES) metrics.commitsSettled.inc({ fate }, 0)
  return metrics
}

function detectionMetrics({ registers, store, projectId }: MetricsOptions) {
  lagGauges(registers[0], store)
  progressGauge(registers[0], store, projectId)
  return {
    findingDelay: new Histogram<'kind'>({
      name: 'syncproof_finding_delay_seconds',
      help: 'From the acknowledgement of the oldest event of a step until its findings could be read',
      labelNames: ['kind'] as const,
      buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 15, 60, 300],
      registers: [...registers],
    }),
    detectorFailures: new Counter<'detector'>({
      name: 'syncproof_detector_failures_total',
      help: 'Times that a detector threw; the operation was judged by the others',
      labelNames: ['detector'] as const,
      registers: [...registers],
    }),
    stepFailures: new Counter({
      name: 'syncproof_detection_step_failures_total',
      help: 'Detection steps that failed and were tried again',
      registers: [...registers],
    }),
    replacedVersions: new Counter<'result'>({
      name: 'syncproof_replaced_versions_total',
      help: 'Versions that a write replaced unseen, by whether a write that made them was reported',
      labelNames: ['result'] as const,
      registers: [...registers],
    }),
    operationsSkipped: new Counter({
      name: 'syncproof_detection_operations_skipped_total',
      help: 'Operations passed over unjudged, because their step failed every time',
      registers: [...registers],
    }),
  }
}

/** How far runs are that go on: of the records that both sides are thought to have, those that have been read. */
function progressGauge(registry: Registry, store: Store, projectId: string): void {
  const progress = new Gauge<'pair'>({
    name: 'syncproof_reconcile_progress_ratio',
    help: 'Of the records of both sides of a pair, about how many a run that goes on has read; absent where none does',
    labelNames: ['pair'] as const,
    registers: [registry],
    async collect() {
      const rows = await store.reports.pairs(projectId).catch(() => [])
      progress.reset()
      for (const { name, last_report } of rows) {
        const {
          source_records = 0,
          target_records = 0,
          estimated_records = null,
        } = last_report?.progress ?? {}
        if (estimated_records) {
          progress.set(
            { pair: name },
            Math.min(1, (source_records + target_records) / (2 * estimated_records)),
          )
        }
      }
    },
  })
}

function lagGauges(registry: Registry, store: Store): void {
  const lag = () => store.detection.lag().catch(() => undefined)
  const events = new Gauge({
    name: 'syncproof_detection_lag_events',
    help: 'Events stored and not judged yet',
    registers: [registry],
    async collect() {
      setOrRemove(events, (await lag())?.events)
    },
  })
  const seconds = new Gauge({
    name: 'syncproof_detection_lag_seconds',
    help: 'Age of the oldest event that is stored and not judged yet',
    registers: [registry],
    async collect() {
      const ms = (await lag())?.oldestAgeMs
      setOrRemove(seconds, ms === undefined ? undefined : ms / 1_000)
    },
  })
}

/** What is not known has no sample: an old value would lie, and prom-client writes NaN as no Prometheus reads it. */
function setOrRemove(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove()
  else gauge.set(value)
}

function runMetrics({ registers, store, projectId, pairs }: MetricsOptions) {
  const lastSuccess = new Gauge<'pair'>({
    name: 'syncproof_reconcile_last_success_timestamp_seconds',
    help: 'When the pair was last wholly compared; 0 for never',
    labelNames: ['pair'] as const,
    registers: [...registers],
    async collect() {
      const rows = await store.reports.pairs(projectId).catch(() => undefined)
      lastSuccess.reset()
      if (rows === undefined) return
      for (const pair of pairs.keys()) lastSuccess.set({ pair }, 0)
      for (const row of rows) {
        if (row.last_success_at && pairs.has(row.name)) {
          lastSuccess.set({ pair: row.name }, Date.parse(row.last_success_at) / 1_000)
        }
      }
    },
  })
  return {
    runs: new Counter<'pair' | 'result'>({
      name: 'syncproof_reconcile_runs_total',
      help: 'Reconciliations finished by this process',
      labelNames: ['pair', 'result'] as const,
      registers: [...registers],
    }),
    rows: new Counter<'pair' | 'side'>({
      name: 'syncproof_reconcile_rows_total',
      help: 'Records listed by reconciliations',
      labelNames: ['pair', 'side'] as const,
      registers: [...registers],
    }),
    runDuration: new Histogram<'pair'>({
      name: 'syncproof_reconcile_duration_seconds',
      help: 'Duration of a finished reconciliation, grace periods included',
      labelNames: ['pair'] as const,
      buckets: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400],
      registers: [...registers],
    }),
    indeterminate: new Gauge<'pair'>({
      name: 'syncproof_reconcile_indeterminate_records',
      help: 'Records that the last reconciliation of the pair could not decide',
      labelNames: ['pair'] as const,
      registers: [...registers],
    }),
    commitsSettled: new Counter<'fate'>({
      name: 'syncproof_unknown_commits_settled_total',
      help: 'Unknown commits of which the database said what became of them',
      labelNames: ['fate'] as const,
      registers: [...registers],
    }),
    jobFailures: new Counter<'queue'>({
      name: 'syncproof_queue_job_failures_total',
      help: 'Jobs that threw or stalled too often; the sweep adds them again',
      labelNames: ['queue'] as const,
      registers: [...registers],
    }),
  }
}

/** Counts what a detection step found. */
export function observeFindings(
  { findingDelay }: ReconcilerMetrics,
  findings: readonly Finding[],
  receivedMs: number,
): void {
  const seconds = Math.max(0, Date.now() - receivedMs) / 1_000
  for (const { kind } of findings) findingDelay.observe({ kind }, seconds)
}
