/** What a Prometheus may see, as promtool writes it, and whether an alert fires at a time. */
export interface Case {
  readonly what: string
  readonly series: Readonly<Record<string, string>>
  readonly at: string
  /** How far apart the values are, and the evaluations. Default: a minute. */
  readonly every?: string
  /** Of the alerts that fire, beside name and severity; none: it is silent. */
  readonly fires: readonly Readonly<Record<string, string>>[]
}

const found = (kind: string, verdict: string, instance = 'a') =>
  `syncproof_findings_total{kind="${kind}",verdict="${verdict}",instance="${instance}"}`
const open = (kind: string, verdict: string, instance = 'a') =>
  `syncproof_findings_open{kind="${kind}",verdict="${verdict}",instance="${instance}"}`
const diverging = (baseline: boolean, kind = 'field-mismatch', instance = 'a') =>
  `syncproof_divergences_open{kind="${kind}",entity_type="candidate",system="ats",baseline="${baseline}",instance="${instance}"}`
const OF = 'entity_type="candidate",system="ats"'
const HERE = { entity_type: 'candidate', system: 'ats' }
const synced = (result: string) => `syncproof_synced_writes_total{${OF},result="${result}",instance="a"}`
const inTime = `syncproof_consistent_writes_total{${OF},within="5m",instance="a"}`
const beat = (stage: string) => `syncproof_heartbeat_timestamp_seconds{stage="${stage}",instance="a"}`

/** For each alert at least one case in which it fires and one in which it does not. */
export const alertCases: Readonly<Record<string, readonly Case[]>> = {
  SyncproofLostUpdate: [
    {
      what: 'one is found, by two collectors that say the same',
      series: {
        [found('lost-update', 'proven')]: '0x5 1x60',
        [found('lost-update', 'proven', 'b')]: '0x5 1x60',
      },
      at: '10m',
      fires: [{ kind: 'lost-update' }],
    },
    {
      what: 'it was more than an hour ago',
      series: { [found('lost-update', 'proven')]: '0x5 1x120' },
      at: '90m',
      fires: [],
    },
    { what: 'old ones only', series: { [found('lost-update', 'proven')]: '7x60' }, at: '30m', fires: [] },
    {
      what: 'an undecided one',
      series: { [found('lost-update', 'indeterminate')]: '0x5 3x60' },
      at: '10m',
      fires: [],
    },
    {
      what: 'the collector starts again while the database is away',
      series: { [found('lost-update', 'proven')]: '7x10 _x10 7x60' },
      at: '30m',
      fires: [],
    },
  ],
  SyncproofPartialWrite: [
    {
      what: 'it stays open',
      series: { [open('partial-write', 'proven')]: '0x5 2x60' },
      at: '20m',
      fires: [{ kind: 'partial-write', verdict: 'proven' }],
    },
    {
      what: 'it is repaired within minutes',
      series: { [open('partial-write', 'proven')]: '0x5 2x2 0x60' },
      at: '20m',
      fires: [],
    },
    {
      what: 'an undecided one',
      series: { [open('partial-write', 'indeterminate')]: '2x60' },
      at: '20m',
      fires: [],
    },
  ],
  SyncproofLockVoid: [
    {
      what: 'one is found',
      series: { [found('lock-void', 'proven')]: '0x5 1x60' },
      at: '10m',
      fires: [{ kind: 'lock-void' }],
    },
    { what: 'none is', series: { [found('lock-void', 'proven')]: '0x60' }, at: '10m', fires: [] },
  ],
  SyncproofProvenFinding: [
    {
      what: 'one of another kind',
      series: {
        [found('reordered-sync', 'proven')]: '0x5 4x60',
        [found('lost-update', 'proven')]: '0x5 4x60',
      },
      at: '10m',
      fires: [{ kind: 'reordered-sync' }],
    },
    {
      what: 'those that have alerts of their own, and hazards',
      series: {
        [found('lost-update', 'proven')]: '0x5 4x60',
        [found('sync-without-outbox', 'hazard')]: '0x5 4x60',
      },
      at: '10m',
      fires: [],
    },
  ],
  SyncproofDivergenceOpen: [
    {
      what: 'two kinds, at two collectors',
      series: {
        [diverging(false)]: '0 3x20',
        [diverging(false, 'missing-in-target')]: '0 1x20',
        [diverging(false, 'field-mismatch', 'b')]: '0 3x20',
      },
      at: '10m',
      fires: [HERE],
    },
    {
      what: 'the baseline',
      series: { [diverging(true)]: '5x20', [diverging(false)]: '0x20' },
      at: '10m',
      fires: [],
    },
  ],
  SyncproofDivergenceOld: [
    {
      what: 'more than four hours',
      series: { [`syncproof_divergence_oldest_timestamp_seconds{${OF}}`]: '60x400' },
      at: '260m',
      fires: [HERE],
    },
    {
      what: 'less',
      series: { [`syncproof_divergence_oldest_timestamp_seconds{${OF}}`]: '60x400' },
      at: '200m',
      fires: [],
    },
  ],
  SyncproofConsistencyBurnFast: [
    {
      what: 'one of twenty is late, for an hour',
      series: { [synced('reached')]: '0+20x120', [inTime]: '0+19x120' },
      at: '90m',
      fires: [HERE],
    },
    {
      what: 'all are in time',
      series: { [synced('reached')]: '0+20x120', [inTime]: '0+20x120' },
      at: '90m',
      fires: [],
    },
    {
      what: 'a single late one of few',
      series: { [synced('reached')]: '0+1x120', [inTime]: '0 0+1x119' },
      at: '90m',
      fires: [],
    },
    {
      what: 'what is late is unknown',
      series: {
        [synced('reached')]: '0+19x120',
        [synced('unknown')]: '0+1x120',
        [inTime]: '0+19x120',
      },
      at: '90m',
      fires: [],
    },
    {
      what: 'it is over since ten minutes',
      series: { [synced('reached')]: '0+20x120', [inTime]: '0+19x80 1540+20x40' },
      at: '110m',
      fires: [],
    },
  ],
  SyncproofConsistencyBurnSlow: [
    {
      what: 'one of four hundred is late, for days',
      series: { [synced('reached')]: '0+400x1200', [inTime]: '0+399x1200' },
      every: '4m',
      at: '75h',
      fires: [HERE],
    },
    {
      what: 'all are in time',
      series: { [synced('reached')]: '0+400x1200', [inTime]: '0+400x1200' },
      every: '4m',
      at: '75h',
      fires: [],
    },
  ],
  SyncproofReconciliationStale: [
    {
      what: 'three times its interval',
      series: {
        'syncproof_reconcile_last_success_timestamp_seconds{pair="candidate",instance="a"}': '60x120',
        'syncproof_reconcile_interval_seconds{pair="candidate",instance="a"}': '900x120',
      },
      at: '75m',
      fires: [{ pair: 'candidate' }],
    },
    {
      what: 'in time, and another pair without a schedule',
      series: {
        'syncproof_reconcile_last_success_timestamp_seconds{pair="candidate",instance="a"}': '60x20 1200x100',
        'syncproof_reconcile_last_success_timestamp_seconds{pair="other",instance="a"}': '60x120',
        'syncproof_reconcile_interval_seconds{pair="candidate",instance="a"}': '900x120',
      },
      at: '60m',
      fires: [],
    },
  ],
  SyncproofReconciliationUnknown: [
    {
      what: 'it stays unknown',
      series: { 'syncproof_reconcile_last_result{pair="candidate",result="unknown"}': '0x5 1x60' },
      at: '50m',
      fires: [{ pair: 'candidate' }],
    },
    {
      what: 'the next run can tell',
      series: { 'syncproof_reconcile_last_result{pair="candidate",result="unknown"}': '0x5 1x10 0x60' },
      at: '50m',
      fires: [],
    },
  ],
  SyncproofCoverageLow: [
    {
      what: 'nine of ten',
      series: { 'syncproof_reconcile_coverage_ratio{pair="candidate"}': '0.9x60' },
      at: '30m',
      fires: [{ pair: 'candidate' }],
    },
    {
      what: 'nearly all',
      series: { 'syncproof_reconcile_coverage_ratio{pair="candidate"}': '0.995x60' },
      at: '30m',
      fires: [],
    },
  ],
  SyncproofRunUntrusted: [
    {
      what: 'it missed what was planted',
      series: { 'syncproof_reconcile_self_test_passed{pair="candidate"}': '1x5 0x60' },
      at: '10m',
      fires: [{ pair: 'candidate' }],
    },
    {
      what: 'it found it',
      series: { 'syncproof_reconcile_self_test_passed{pair="candidate"}': '1x60' },
      at: '10m',
      fires: [],
    },
  ],
  SyncproofHeartbeatLate: [
    {
      what: 'one stage stands still',
      series: { [beat('collected')]: '0+60x60', [beat('worked')]: '0+60x10 600x50' },
      at: '20m',
      fires: [{ stage: 'worked' }],
    },
    {
      what: 'all go on',
      series: { [beat('collected')]: '0+60x60', [beat('worked')]: '0+60x60' },
      at: '20m',
      fires: [],
    },
  ],
  SyncproofAbsent: [
    {
      what: 'no collector, and no reconciler',
      series: { 'up{job="other"}': '1x60' },
      at: '10m',
      fires: [{}],
    },
    {
      what: 'both are there',
      series: { [beat('worked')]: '0+60x60', syncproof_detection_lag_seconds: '0x60' },
      at: '10m',
      fires: [],
    },
  ],
  SyncproofDetectorLag: [
    {
      what: 'minutes behind',
      series: { 'syncproof_detection_lag_seconds{instance="a"}': '0x5 200x60' },
      at: '20m',
      fires: [{}],
    },
    {
      what: 'a peak',
      series: { 'syncproof_detection_lag_seconds{instance="a"}': '0x5 200x2 0x60' },
      at: '20m',
      fires: [],
    },
  ],
  SyncproofOperationsSkipped: [
    {
      what: 'some are',
      series: { 'syncproof_detection_operations_skipped_total{instance="a"}': '0x5 3x60' },
      at: '10m',
      fires: [{}],
    },
    {
      what: 'none is',
      series: { 'syncproof_detection_operations_skipped_total{instance="a"}': '3x60' },
      at: '10m',
      fires: [],
    },
  ],
  SyncproofEventsUnaccounted: [
    {
      what: 'some stay away',
      series: { 'syncproof_events_unaccounted{instance="a"}': '0x5 9x60' },
      at: '20m',
      fires: [{}],
    },
    {
      what: 'they come late',
      series: { 'syncproof_events_unaccounted{instance="a"}': '0x5 9x5 0x60' },
      at: '20m',
      fires: [],
    },
  ],
  SyncproofEventsRejected: [
    {
      what: 'again and again',
      series: { 'syncproof_events_rejected_total{code="invalid_event",instance="a"}': '0+1x60' },
      at: '20m',
      fires: [{ code: 'invalid_event' }],
    },
    {
      what: 'none',
      series: { 'syncproof_events_rejected_total{code="invalid_event",instance="a"}': '4x60' },
      at: '20m',
      fires: [],
    },
  ],
  SyncproofJobsFailing: [
    {
      what: 'one a minute',
      series: { 'syncproof_queue_job_failures_total{queue="syncproof-detect",instance="a"}': '0+1x60' },
      at: '30m',
      fires: [{ queue: 'syncproof-detect' }],
    },
    {
      what: 'a single one',
      series: { 'syncproof_queue_job_failures_total{queue="syncproof-detect",instance="a"}': '0x5 1x60' },
      at: '30m',
      fires: [],
    },
  ],
  SyncproofStoreStale: [
    {
      what: 'for minutes',
      series: { 'syncproof_store_figures_stale{instance="a"}': '0x5 1x60' },
      at: '20m',
      fires: [{ instance: 'a' }],
    },
    {
      what: 'a single slow answer',
      series: { 'syncproof_store_figures_stale{instance="a"}': '0x5 1 0x60' },
      at: '20m',
      fires: [],
    },
  ],
  SyncproofAlertWaiting: [
    {
      what: 'a message waits since the beginning',
      series: { 'syncproof_alerts_waiting_oldest_timestamp_seconds{sink="slack",instance="a"}': '0x60' },
      at: '20m',
      fires: [{ sink: 'slack' }],
    },
    {
      what: 'messages wait for seconds each',
      series: { 'syncproof_alerts_waiting_oldest_timestamp_seconds{sink="slack",instance="a"}': '0+60x60' },
      at: '20m',
      fires: [],
    },
  ],
  SyncproofAlertGivenUp: [
    {
      what: 'one is given up',
      series: {
        'syncproof_alert_deliveries_total{sink="slack",result="given_up",instance="a"}': '0x10 1x60',
        'syncproof_alert_deliveries_total{sink="slack",result="delivered",instance="a"}': '0+1x70',
      },
      at: '20m',
      fires: [{ sink: 'slack' }],
    },
    {
      what: 'tries fail, and none is given up',
      series: {
        'syncproof_alert_deliveries_total{sink="slack",result="given_up",instance="a"}': '0x70',
        'syncproof_alert_deliveries_total{sink="slack",result="failed",instance="a"}': '0+1x70',
      },
      at: '20m',
      fires: [],
    },
  ],
  SyncproofAlertUndelivered: [
    {
      what: 'a webhook refuses',
      series: { 'alertmanager_notifications_failed_total{integration="webhook",instance="a"}': '0+1x60' },
      at: '20m',
      fires: [{ integration: 'webhook' }],
    },
    {
      what: 'all arrive',
      series: { 'alertmanager_notifications_failed_total{integration="webhook",instance="a"}': '0x60' },
      at: '20m',
      fires: [],
    },
  ],
  // silent only where Prometheus is
  SyncproofWatchdog: [{ what: 'always', series: {}, at: '1m', fires: [{}] }],
}
