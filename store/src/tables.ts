import type {
  Cause,
  FindingKind,
  FindingStatus,
  Protection,
  Resolution,
  Severity,
  Verdict,
  Witness,
} from '@syncproof/core/contract'
import type { Generated } from 'kysely'
import type { Coverage, DivergenceKind, Report, ReportResult, ReportState } from './store.ts'

/** What the query builder knows of our tables: the columns that it selects, filters and sorts by. Times are
 *  compared with RFC 3339 text and selected through `rfc3339`, never as a Date, which would lose microseconds. int8
 *  arrives as text. */
export interface Tables {
  readonly 'syncproof.findings': FindingsTable
  readonly 'syncproof.finding_groups': FindingGroupsTable
  readonly 'syncproof.operations': OperationsTable
  readonly 'syncproof.processes': ProcessesTable
  readonly 'syncproof.sections': SectionsTable
  readonly 'syncproof.reports': ReportsTable
  readonly 'syncproof.divergences': DivergencesTable
  readonly 'syncproof.migrations': { readonly name: string; readonly applied_at: Generated<Time> }
}

/** Compared as text; selected only through `rfc3339`. */
type Time = string

interface FindingsTable {
  readonly project_id: string
  readonly id: string
  readonly kind: FindingKind
  readonly verdict: Verdict
  readonly severity: Severity
  readonly status: FindingStatus
  readonly entity_type: string | null
  readonly entity_id: string | null
  readonly operation: string | null
  readonly fields: readonly string[]
  readonly summary: string
  readonly reason: string | null
  readonly cause: Cause
  readonly witness: Witness
  readonly details: Readonly<Record<string, unknown>>
  readonly occurred_at: Time
  readonly first_seen_at: Time
  readonly last_seen_at: Time
  readonly occurrences: string
  readonly resolution: Resolution | null
  readonly note: string | null
}

interface FindingGroupsTable {
  readonly project_id: string
  readonly id: string
  readonly kind: FindingKind
  readonly operation: string | null
  readonly entity_type: string | null
  readonly pair: string | null
  readonly severity: Severity
  readonly status: 'open' | 'resolved'
  readonly muted: boolean
  readonly findings: string
  readonly calls: string
  readonly first_seen_at: Time
  readonly opened_at: Time
  readonly last_seen_at: Time
  readonly resolution: Resolution | null
}

interface OperationsTable {
  readonly project_id: string
  readonly operation_id: string
  readonly process_id: string
  /** The four that only `operation_started` knows are null until it is stored; lists leave such rows out. */
  readonly root_operation_id: string
  readonly name: string
  readonly entity_type: string
  readonly entity_id: string
  readonly started_at: Time
  readonly finished_at: Time
  readonly outcome: 'ok' | 'failed' | null
  readonly retries: number
}

interface ProcessesTable {
  readonly project_id: string
  readonly process_id: string
  readonly service: string
  readonly release: string | null
  readonly host: string | null
  readonly first_seen_at: Time
  readonly last_seen_at: Time
  readonly produced: string
  readonly stored: string
  readonly inconsistent: string
  readonly dropped: Readonly<Record<string, number>>
  readonly ended: boolean
}

interface SectionsTable {
  readonly project_id: string
  readonly id: string
  readonly name: string
  readonly service: string
  readonly release: string | null
  readonly protections: readonly Protection[]
  readonly held: string
  readonly not_held: string
  readonly unknown: string
  readonly foreign_version: string
  readonly overlap: string
  readonly holds_nothing: string
  readonly undecided: string
  readonly first_seen_at: Time
  readonly last_seen_at: Time
}

interface ReportsTable {
  readonly project_id: string
  readonly id: string
  readonly pair: string
  readonly state: ReportState
  readonly trigger: Report['trigger']
  readonly keys: readonly string[] | null
  readonly result: ReportResult | null
  readonly problem: Report['problem']
  readonly baseline: boolean
  readonly rules: string | null
  readonly self_test: Report['self_test']
  readonly coverage: Coverage | null
  readonly diverged: string
  readonly maintenance: string | null
  readonly requested_at: Time
  readonly started_at: Time
  readonly finished_at: Time
}

interface DivergencesTable {
  readonly project_id: string
  readonly report_id: string
  readonly key: string
  readonly kind: DivergenceKind
  readonly verdict: 'observed' | 'indeterminate'
  readonly fields: readonly string[]
  readonly reason: string | null
  readonly finding_id: string | null
  readonly source_observed_at: Time
  readonly target_observed_at: Time
}
