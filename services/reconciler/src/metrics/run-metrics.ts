import { FINDING_KINDS, type Finding } from '@syncproof/core/contract'
import type { ReportResult } from '@syncproof/store'
import { Counter, Histogram, Registry } from 'prom-client'
import { alertMetrics } from './alert-metrics.ts'

export const RESULTS: readonly ReportResult[] = ['clean', 'diverged', 'unknown']
const SIDES = ['source', 'target'] as const
const LOOKED = ['made', 'unobserved', 'undecided'] as const
const FATES = ['committed', 'aborted'] as const

/** What this process has done since it started. */
export interface RunMetrics {
  readonly findingDelay: Histogram<'kind' | 'trace_id'>
  readonly detectorFailures: Counter<'detector'>
  readonly stepFailures: Counter
  readonly operationsSkipped: Counter
  readonly runs: Counter<'pair' | 'result'>
  readonly rows: Counter<'pair' | 'side'>
  readonly runDuration: Histogram<'pair'>
  readonly jobFailures: Counter<'queue'>
  readonly commitsSettled: Counter<'fate'>
  readonly replacedVersions: Counter<'result'>
  readonly alertDeliveries: Counter<'sink' | 'result'>
  readonly alertDelay: Histogram<'sink'>
}

/** Every series of a configured pair is there, as 0, before the first run. */
export function registerRunMetrics(
  registry: Registry,
  {
    pairs,
    queues,
    sinks,
  }: {
    readonly pairs: readonly string[]
    readonly queues: readonly string[]
    readonly sinks: readonly string[]
  },
): RunMetrics {
  // exemplars are part of this format alone
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never)
  const registers = [registry]
  const metrics = {
    ...detectionMetrics(registers),
    ...reconcileMetrics(registers),
    ...alertMetrics(registers, sinks),
  }
  for (const pair of pairs) {
    for (const result of RESULTS) metrics.runs.inc({ pair, result }, 0)
    for (const side of SIDES) metrics.rows.inc({ pair, side }, 0)
    metrics.runDuration.zero({ pair })
  }
  for (const kind of FINDING_KINDS) {
    metrics.findingDelay.zero({ kind })
    metrics.detectorFailures.inc({ detector: kind }, 0)
  }
  for (const queue of queues) metrics.jobFailures.inc({ queue }, 0)
  for (const result of LOOKED) metrics.replacedVersions.inc({ result }, 0)
  for (const fate of FATES) metrics.commitsSettled.inc({ fate }, 0)
  return metrics
}

function detectionMetrics(registers: Registry[]) {
  return {
    findingDelay: new Histogram<'kind' | 'trace_id'>({
      name: 'syncproof_finding_delay_seconds',
      enableExemplars: true,
      help: 'From the acknowledgement of the oldest event of a step until its findings could be read.',
      labelNames: ['kind'] as const,
      buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 15, 60, 300],
      registers,
    }),
    detectorFailures: new Counter<'detector'>({
      name: 'syncproof_detector_failures_total',
      help: 'Times that a detector threw; the operation was judged by the others.',
      labelNames: ['detector'] as const,
      registers,
    }),
    stepFailures: new Counter({
      name: 'syncproof_detection_step_failures_total',
      help: 'Detection steps that failed and were tried again.',
      registers,
    }),
    replacedVersions: new Counter<'result'>({
      name: 'syncproof_replaced_versions_total',
      help: 'Versions that a write replaced unseen, by whether a write that made them was reported: made, unobserved, undecided.',
      labelNames: ['result'] as const,
      registers,
    }),
    operationsSkipped: new Counter({
      name: 'syncproof_detection_operations_skipped_total',
      help: 'Operations passed over unjudged, because their step failed every time.',
      registers,
    }),
  }
}

function reconcileMetrics(registers: Registry[]) {
  return {
    runs: new Counter<'pair' | 'result'>({
      name: 'syncproof_reconcile_runs_total',
      help: 'Reconciliations finished by this process, by result: clean, diverged, unknown.',
      labelNames: ['pair', 'result'] as const,
      registers,
    }),
    rows: new Counter<'pair' | 'side'>({
      name: 'syncproof_reconcile_rows_total',
      help: 'Records listed by reconciliations, by side: source, target.',
      labelNames: ['pair', 'side'] as const,
      registers,
    }),
    runDuration: new Histogram<'pair'>({
      name: 'syncproof_reconcile_duration_seconds',
      help: 'Duration of a finished reconciliation, grace periods included.',
      labelNames: ['pair'] as const,
      buckets: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400],
      registers,
    }),
    commitsSettled: new Counter<'fate'>({
      name: 'syncproof_unknown_commits_settled_total',
      help: 'Unknown commits of which the database said what became of them: committed, aborted.',
      labelNames: ['fate'] as const,
      registers,
    }),
    jobFailures: new Counter<'queue'>({
      name: 'syncproof_queue_job_failures_total',
      help: 'Jobs that threw or stalled too often; the sweep adds them again.',
      labelNames: ['queue'] as const,
      registers,
    }),
  }
}

/** Counts what a detection step found. */
export function observeFindings(
  { findingDelay }: RunMetrics,
  findings: readonly Finding[],
  receivedMs: number,
): void {
  const seconds = Math.max(0, Date.now() - receivedMs) / 1_000
  for (const { kind, cause } of findings) {
    const { trace_id = '' } = cause
    // it comes from the app, and an exemplar has room for little
    const exemplarLabels = /^[0-9a-f]{32}$/.test(trace_id) ? { trace_id } : {}
    findingDelay.observe({ labels: { kind }, value: seconds, exemplarLabels })
  }
}
