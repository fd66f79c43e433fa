import type { RetentionSubject } from './store.ts'

/** What ends the rows of a table. */
interface Life {
  /** The setting that decides; absent where none does. */
  readonly subject?: RetentionSubject
  readonly why: string
}

/** The life of every table of the schema `syncproof`. A test compares it with the catalogue: a new table needs a decision.
 *  docs/retention.md says it to the operator. */
export const lives: Readonly<Record<string, Life>> = {
  events: {
    subject: 'events',
    why: 'Everything that is proven stands on them, and who reads a timeline looks back some weeks. They are most of the disk, so they go as whole partitions; kinds that are kept for a shorter time are deleted before.',
  },
  event_links: {
    subject: 'events',
    why: 'A link leads to an event: its partition goes with the one of its events.',
  },
  inconsistent_events: {
    subject: 'events',
    why: 'A mark is of an event, and means nothing without it.',
  },
  inconsistent_copies: {
    subject: 'events',
    why: 'That an event came again with other content is told with the event.',
  },
  operations: {
    subject: 'operations',
    why: 'Longer than their events: they say since when an operation has been known, so that what has expired is not taken for what never happened.',
  },
  waiting_operations: {
    subject: 'operations',
    why: 'An operation whose events expire waits for nothing any more.',
  },
  processes: {
    subject: 'processes',
    why: 'Longer than their operations, which are shown with service and release; a process that lives is always kept.',
  },
  process_minutes: {
    subject: 'processes',
    why: 'A row for each minute in which a process was heard of: a day of them, the oldest goes when a new one comes, and the last with their process.',
  },
  findings: {
    subject: 'findings.open',
    why: 'What the product is for: a year and a month, so that the same season can be compared. Those that are over have a time of their own, findings.resolved. Each keeps its witness.',
  },
  finding_groups: {
    subject: 'findings.resolved',
    why: 'A group says that something keeps happening: as long as any finding may be in it.',
  },
  alert_deliveries: {
    subject: 'reports',
    why: 'What was told to whom, and what came back. What a sink was told last of a group that is not over is kept whatever its age: it is how its end is told.',
  },
  maintenance_windows: {
    subject: 'reports',
    why: 'When pages were held back, and why.',
  },
  hazard_traffic: {
    subject: 'findings.open',
    why: 'What is known of all calls of a function that shows a hazard: one row a finding, goes with it.',
  },
  hazard_calls: {
    subject: 'hazards',
    why: 'One row for each entity that a function was called for: without an end it would grow with the number of entities.',
  },
  sections: {
    subject: 'sections',
    why: 'A row for each section and release, small: long enough to compare releases.',
  },
  reports: {
    subject: 'reports',
    why: 'What a reconciliation said. The baseline of a pair and its last whole run are kept whatever their age.',
  },
  divergences: {
    subject: 'reports',
    why: 'What a report found: nothing without it.',
  },
  report_segments: {
    why: 'Of a run while it runs: they go when it ends.',
  },
  report_suspects: {
    why: 'Of a run while it runs: they go with its segments.',
  },
  stages: {
    why: 'Of a run while it runs: removed by the run, or here where its worker was killed.',
  },
  staged_records: {
    why: 'Of a run while it runs: removed by the run, or here where its worker was killed.',
  },
  replaced_versions: {
    why: 'Decided within two hours of being noticed; after a day nobody looks for their makers.',
  },
  counts: {
    why: 'A row for each series of the metrics, whose number is bounded: a counter must not fall because rows expire.',
  },
  count_changes: {
    why: 'Until they are added to the counts, some seconds later.',
  },
  count_labels: {
    why: 'The names that have a series of their own, at most 200 a label: for ever.',
  },
  event_traces: {
    why: 'An hour, where the services are traced: a finding comes within seconds.',
  },
  heartbeats: {
    why: 'A row for each stage that a heartbeat passes through, for ever.',
  },
  detection_cursors: {
    why: 'Four rows, for ever: where detection has come to.',
  },
  pairs: {
    why: 'A row for each pair that was ever configured, small: one that comes back keeps its history.',
  },
  api_keys: {
    why: 'Until they are revoked, and then too: which key there was is not forgotten by itself.',
  },
  retention: {
    why: 'A row for each setting, for ever: what has expired must never be taken in again.',
  },
  migrations: {
    why: 'A row for each migration, for ever.',
  },
}
