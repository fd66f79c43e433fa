import type { Ats } from './ats.ts'
import type { Database } from './oracle/history-trigger.ts'
import type { ReportApi } from './report-api.ts'

/** Everything that runs, however it runs. */
export interface World {
  /** One line for the reader: what runs where. */
  readonly parts: readonly (readonly [name: string, text: string])[]
  readonly appUrl: string
  readonly ats: Ats
  /** The app's own database, for seeding and for the oracle. */
  readonly database: Database
  readonly api: ReportApi
  readonly metricsUrl: string
  /** The reconciler's metrics, where the detector says what it has not judged yet. */
  readonly detectorMetricsUrl: string
  /** Resolves only if a part ends that should not: with a sentence that says which. */
  readonly broken: Promise<string>
}

export interface WorldOptions {
  readonly port: number
  readonly metricsPort: number
  readonly redis: string | undefined
}

export const LOOPBACK = '127.0.0.1'
