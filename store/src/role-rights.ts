/** Who asks the database. Each service logs in as a member of a role of its own:
 *
 *  - the collector takes events in;
 *  - the reports answer the report API: they read, note what people say of a finding, and queue reconciliations;
 *  - the reconciler judges, compares, and removes what is past its time.
 *
 *  No role owns anything, and none is a member of another. */
export const SERVICES = ['collector', 'reports', 'reconciler'] as const
export type Service = (typeof SERVICES)[number]

export function roleOf(service: Service): string {
  return `syncproof_${service}`
}

/** By name, what each service may do, as it stands in a GRANT. */
export type Declared = Readonly<Record<string, Readonly<Partial<Record<Service, readonly string[]>>>>>

const READ = ['select']
const EVERYTHING = ['select', 'insert', 'update', 'delete']
/** Whoever is asked with a key looks it up, and notes that it was used. */
const KEYS = ['select', 'update (last_used_at)']

/** Every table of the schema `syncproof`: a test compares this with the catalogue, and a new table needs a decision. The
 *  partitions of a table have no rights of their own: they are reached through it. */
export const tableRights: Declared = {
  // who has events stored is told which were there, and which contradict what is there
  events: { collector: ['select', 'insert'], reports: READ, reconciler: ['select', 'delete'] },
  processes: {
    collector: ['select', 'insert', 'update'],
    reports: READ,
    reconciler: ['select', 'update', 'delete'],
  },
  // written down by a trigger on `processes`, with the rights of who updates that
  process_minutes: {
    collector: ['select', 'insert', 'delete'],
    reports: READ,
    reconciler: ['select', 'delete'],
  },
  inconsistent_events: { collector: ['insert'], reports: READ, reconciler: EVERYTHING },
  inconsistent_copies: { collector: ['insert'], reports: READ, reconciler: ['select', 'delete'] },
  event_links: { reconciler: ['select', 'insert'] },
  detection_cursors: { reconciler: ['select', 'update'] },
  waiting_operations: { reconciler: EVERYTHING },
  operations: { reports: READ, reconciler: EVERYTHING },
  replaced_versions: { reconciler: EVERYTHING },
  hazard_calls: { reconciler: EVERYTHING },
  hazard_traffic: { reconciler: EVERYTHING },
  sections: { reports: READ, reconciler: EVERYTHING },
  findings: { reports: ['select', 'update (status, resolution, note, reopened_at)'], reconciler: EVERYTHING },
  // changes of findings are counted by triggers, with the rights of who changes them
  counts: { reports: READ, reconciler: EVERYTHING },
  count_changes: { reports: ['insert'], reconciler: EVERYTHING },
  count_labels: { reconciler: ['select', 'insert'] },
  // which span brought an event, where the services are traced
  event_traces: { collector: ['select', 'insert'], reconciler: ['select', 'delete'] },
  heartbeats: {
    collector: ['select', 'insert', 'update'],
    reports: READ,
    reconciler: ['select', 'insert', 'update'],
  },
  // what people say of a group
  finding_groups: {
    reports: ['select', 'update (status, calls, resolution, muted, opened_at)'],
    reconciler: EVERYTHING,
  },
  alert_deliveries: { reports: READ, reconciler: EVERYTHING },
  maintenance_windows: {
    reports: ['select', 'insert', 'update (starts_at, ends_at)'],
    reconciler: ['select', 'insert', 'update', 'delete'],
  },
  pairs: { reports: READ, reconciler: ['select', 'insert', 'update'] },
  reports: { reports: ['select', 'insert (project_id, pair, trigger, keys)'], reconciler: EVERYTHING },
  divergences: { reports: READ, reconciler: ['select', 'insert', 'delete'] },
  // how far a run is
  report_segments: { reports: READ, reconciler: EVERYTHING },
  report_suspects: { reconciler: ['select', 'insert', 'delete'] },
  stages: { reconciler: EVERYTHING },
  staged_records: { reconciler: EVERYTHING },
  // what is older than is kept is not taken in
  retention: { collector: READ, reports: READ, reconciler: ['select', 'insert', 'update'] },
  // keys are made and revoked by the owner alone
  api_keys: { collector: KEYS, reports: KEYS },
  migrations: { collector: READ, reports: READ, reconciler: READ },
}

export const sequenceRights: Declared = {
  event_position: { collector: ['usage'] },
  // of an identity column: its table's rights are enough
  count_changes_id_seq: {},
  alert_deliveries_number_seq: {},
}

/** Functions that run with the rights of their owner. All others have only those of who calls them, and are everybody's. */
export const functionRights: Declared = {
  'ensure_event_partitions(date[])': { collector: ['execute'], reconciler: ['execute'] },
  'detach_event_partition(text, date)': { reconciler: ['execute'] },
  'drop_detached_partitions()': { reconciler: ['execute'] },
}
