import { sql } from 'kysely'
import { rfc3339, rfc3339OrNull } from './sql-text.ts'
import type { Progress, Report } from './store.ts'

/** Of a run that has been taken apart. */
function progress() {
  return sql<Progress | null>`case when state = 'running' then (
    select jsonb_build_object('source_records', source, 'target_records', target,
      'estimated_records', reports.estimated_records, 'records_per_second', floor(rate),
      'seconds_left', ceil(greatest(0, 2 * reports.estimated_records - source - target) / nullif(rate, 0)),
      'segments', segments, 'segments_done', done)
    from (
      select coalesce(sum(source_records), 0) as source, coalesce(sum(target_records), 0) as target,
        count(*) as segments, count(*) filter (where segment.state = 'done') as done
      from syncproof.report_segments as segment
      where segment.project_id = reports.project_id and segment.report_id = reports.id) as sums
    cross join lateral (
      select (source + target) / greatest(0.001, extract(epoch from clock_timestamp() - reports.started_at)) as rate) as pace
    where segments > 0) end`
}

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
  'rules',
  'self_test',
  'coverage',
  'diverged',
  'maintenance',
  progress().as('progress'),
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
