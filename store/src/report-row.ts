import { sql } from 'kysely'
import { rfc3339, rfc3339OrNull } from './sql-text.ts'
import type { Report } from './store.ts'

/** The columns of `syncproof.reports` that make a `ReportRow`. */
export const reportColumns = [
  'id',
  'pair',
  'state',
  'result',
  'problem',
  'trigger',
  'keys',
  'baseline',
  'self_test',
  'coverage',
  'diverged',
  rfc3339('requested_at').as('requested_at'),
  rfc3339OrNull('started_at').as('started_at'),
  rfc3339OrNull('finished_at').as('finished_at'),
] as const

export interface ReportRow extends Omit<Report, 'diverged'> {
  readonly diverged: string
}

export function toReport(row: ReportRow): Report {
  return { ...row, diverged: Number(row.diverged) }
}

/** Nobody works on it: it is queued, or its worker has said nothing for that long. */
export function isUnattended(abandonedMs: number) {
  return sql<boolean>`(state = 'queued' or (state = 'running'
    and heartbeat_at < clock_timestamp() - make_interval(secs => ${abandonedMs / 1000})))`
}
