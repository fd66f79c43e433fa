import type { AlertSink, Finding } from '@syncproof/core/contract'
import type { AlertPlan, Store } from '@syncproof/store'
import type { AlertTimes, MakerLimits } from './limits.ts'
import type { RunMetrics } from './metrics/run-metrics.ts'
import type { Pair } from './pairs.ts'
import type { SayOnce } from './say-once.ts'

/** What every part of the reconciler works with. */
export interface Context {
  readonly store: Store
  readonly projectId: string
  readonly pairs: ReadonlyMap<string, Pair>
  readonly fingerprintKey: string
  /** By name. */
  readonly sinks: ReadonlyMap<string, AlertSink>
  readonly alertPlan: AlertPlan
  readonly alertTimes: AlertTimes
  /** See `ReconcilerOptions`. */
  readonly makers: MakerLimits
  readonly metrics: RunMetrics
  /** Hears of each finding once, when it has been stored. */
  readonly onFinding: (finding: Finding) => void
  readonly log: (line: string) => void
  /** About how many records a segment of a run has. */
  readonly segmentRecords: number
  /** Asks as many workers of whatever process to compare segments of a report. Nobody waits for them. */
  readonly askForHelp: (reportId: string, workers: number) => void
  /** For what fails over and over while something is away. */
  readonly failures: SayOnce
}

/** The text of a thrown value for a log line. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Resolves after the time, or at once where the signal is or becomes aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
