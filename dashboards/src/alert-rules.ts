import { type Alert, alertGroup, type LinkBases } from './alert.ts'
import { BURNS, ERROR_BUDGET, OBJECTIVE, WRITES_MIN } from './objective.ts'
import { once } from './promql.ts'
import type { RuleFile } from './rules.ts'

const foundLately = (kinds: string) =>
  `sum by (kind) (${once(`increase(syncproof_findings_total{${kinds},verdict="proven"}[1h])`)}) > 0`

export function alertRules(bases: LinkBases): RuleFile {
  const group = (name: string, rules: readonly Alert[]) => alertGroup(bases, name, rules)
  return {
    groups: [
      group('syncproof-integrity', integrity),
      group('syncproof-consistency', consistency()),
      group('syncproof-reconciliation', reconciliation),
      group('syncproof-itself', itself),
    ],
  }
}

const integrity: readonly Alert[] = [
  {
    alert: 'SyncproofLostUpdate',
    expr: foundLately('kind="lost-update"'),
    severity: 'critical',
    dashboard: 'syncproof-operation',
    summary: 'An update was lost.',
    description:
      '{{ printf "%.0f" $value }} updates within the last hour are proven to have been overwritten by calls that had not seen them.',
  },
  {
    alert: 'SyncproofPartialWrite',
    expr: `${once('syncproof_findings_open{kind="partial-write",verdict="proven"}')} > 0`,
    for: '5m',
    severity: 'critical',
    dashboard: 'syncproof-overview',
    summary: 'The database and an external system were left split.',
    description:
      '{{ printf "%.0f" $value }} operations ended with one side written and the other not, and nothing has put it right since.',
  },
  {
    alert: 'SyncproofLockVoid',
    expr: foundLately('kind="lock-void"'),
    severity: 'critical',
    dashboard: 'syncproof-operation',
    summary: 'A lock protects nothing.',
    description:
      '{{ printf "%.0f" $value }} runs of declared sections within the last hour are proven not to have held what they declare.',
  },
  {
    alert: 'SyncproofProvenFinding',
    expr: foundLately('kind!~"lost-update|partial-write|lock-void"'),
    severity: 'warning',
    dashboard: 'syncproof-overview',
    summary: 'Something that must not happen is proven to have happened.',
    description: '{{ printf "%.0f" $value }} findings of the kind {{ $labels.kind }} within the last hour.',
  },
  {
    alert: 'SyncproofDivergenceOpen',
    expr: `sum by (entity_type, system) (${once('syncproof_divergences_open{baseline="false"}')}) > 0`,
    severity: 'warning',
    dashboard: 'syncproof-pair',
    summary: 'The database and an external system do not agree.',
    description:
      '{{ printf "%.0f" $value }} records of {{ $labels.entity_type }} differ from {{ $labels.system }}, read again after the grace period.',
  },
  {
    alert: 'SyncproofDivergenceOld',
    expr: `time() - ${once('syncproof_divergence_oldest_timestamp_seconds')} > 4 * 3600`,
    for: '5m',
    severity: 'critical',
    dashboard: 'syncproof-pair',
    summary: 'A divergence has been open for hours.',
    description:
      'The oldest difference between {{ $labels.entity_type }} and {{ $labels.system }} has been open for {{ humanizeDuration $value }}.',
  },
]

function consistency(): readonly Alert[] {
  const percent = `${OBJECTIVE * 100} %`
  const burns = (burn: { readonly factor: number; readonly long: string; readonly short: string }) => {
    const { factor, long, short } = burn
    const limit = (factor * ERROR_BUDGET).toFixed(4)
    const over = (window: string) =>
      `entity_type_system:syncproof_late_writes:ratio_increase${window} > ${limit}`
    return `(${over(long)} and ${over(short)} and entity_type_system:syncproof_known_writes:increase${long} >= ${WRITES_MIN})`
  }
  const said = {
    dashboard: 'syncproof-overview',
    description: `{{ $value | humanizePercentage }} of the writes of {{ $labels.entity_type }} that are known to have ended did not reach {{ $labels.system }} within 5 minutes; the objective is ${percent}.`,
  } as const
  return [
    {
      ...said,
      alert: 'SyncproofConsistencyBurnFast',
      expr: BURNS.fast.map(burns).join(' or '),
      severity: 'critical',
      summary: 'Writes reach the other system so late that the budget of a month is gone within days.',
    },
    {
      ...said,
      alert: 'SyncproofConsistencyBurnSlow',
      expr: BURNS.slow.map(burns).join(' or '),
      for: '1h',
      severity: 'warning',
      summary: 'Writes reach the other system late more often than the objective allows.',
    },
  ]
}

const reconciliation: readonly Alert[] = [
  {
    alert: 'SyncproofReconciliationStale',
    expr: 'time() - max by (pair) (syncproof_reconcile_last_success_timestamp_seconds) > 3 * max by (pair) (syncproof_reconcile_interval_seconds) + 300',
    for: '10m',
    severity: 'warning',
    dashboard: 'syncproof-pair',
    summary: 'A pair has not been compared for too long.',
    description:
      'The pair {{ $labels.pair }} was last wholly compared {{ humanizeDuration $value }} ago: whatever differs since then is not known.',
  },
  {
    alert: 'SyncproofReconciliationUnknown',
    expr: 'max by (pair) (syncproof_reconcile_last_result{result="unknown"}) == 1',
    for: '30m',
    severity: 'warning',
    dashboard: 'syncproof-pair',
    summary: 'A reconciliation could not tell.',
    description:
      'The last run of the pair {{ $labels.pair }} ended with the result unknown; its report says why, and what mends it.',
  },
  {
    alert: 'SyncproofCoverageLow',
    expr: 'min by (pair) (syncproof_reconcile_coverage_ratio) < 0.99',
    for: '15m',
    severity: 'warning',
    dashboard: 'syncproof-pair',
    summary: 'A reconciliation decided too few records.',
    description:
      'The last run of the pair {{ $labels.pair }} decided {{ $value | humanizePercentage }} of the records that there are.',
  },
  {
    alert: 'SyncproofRunUntrusted',
    expr: 'min by (pair) (syncproof_reconcile_self_test_passed) == 0',
    severity: 'critical',
    dashboard: 'syncproof-pair',
    summary: 'A reconciliation did not find what was planted in it.',
    description:
      'The last run of the pair {{ $labels.pair }} missed a difference that was planted in its own comparer: nothing that it says counts.',
  },
]

const itself: readonly Alert[] = [
  {
    alert: 'SyncproofHeartbeatLate',
    expr: `time() - ${once('syncproof_heartbeat_timestamp_seconds')} > 120`,
    for: '2m',
    severity: 'critical',
    dashboard: 'syncproof-itself',
    summary: 'Nothing passes through Syncproof any more.',
    description:
      'The last heartbeat that has passed the stage {{ $labels.stage }} began {{ humanizeDuration $value }} ago: no finding behind that stage is to be expected.',
  },
  {
    alert: 'SyncproofAbsent',
    expr: 'absent(syncproof_heartbeat_timestamp_seconds) or absent(syncproof_detection_lag_seconds)',
    for: '5m',
    severity: 'critical',
    dashboard: 'syncproof-itself',
    summary: 'A service of Syncproof is not scraped, or knows nothing of its database.',
    description: 'For five minutes no collector, or no reconciler, has said how far it is.',
  },
  {
    alert: 'SyncproofDetectorLag',
    expr: 'max(syncproof_detection_lag_seconds) > 60',
    for: '5m',
    severity: 'warning',
    dashboard: 'syncproof-itself',
    summary: 'Events wait to be judged.',
    description: 'The oldest event that is not judged yet has waited for {{ humanizeDuration $value }}.',
  },
  {
    alert: 'SyncproofOperationsSkipped',
    expr: 'sum(increase(syncproof_detection_operations_skipped_total[1h])) > 0',
    severity: 'warning',
    dashboard: 'syncproof-itself',
    summary: 'Operations were passed over unjudged.',
    description:
      '{{ printf "%.0f" $value }} operations within the last hour could not be judged and were passed over, so that the others could be.',
  },
  {
    alert: 'SyncproofEventsUnaccounted',
    expr: 'max(syncproof_events_unaccounted) > 0',
    for: '10m',
    severity: 'warning',
    dashboard: 'syncproof-itself',
    summary: 'Events were produced and never arrived.',
    description:
      '{{ printf "%.0f" $value }} events of the last day are neither stored nor dropped nor on their way: what they would have shown is not known.',
  },
  {
    alert: 'SyncproofEventsRejected',
    expr: 'sum by (code) (increase(syncproof_events_rejected_total[15m])) > 0',
    for: '5m',
    severity: 'warning',
    dashboard: 'syncproof-itself',
    summary: 'Events are rejected.',
    description:
      '{{ printf "%.0f" $value }} events within 15 minutes were rejected as {{ $labels.code }}: they are not stored.',
  },
  {
    alert: 'SyncproofJobsFailing',
    expr: 'sum by (queue) (increase(syncproof_queue_job_failures_total[15m])) > 5',
    for: '5m',
    severity: 'warning',
    dashboard: 'syncproof-itself',
    summary: 'Jobs fail again and again.',
    description:
      '{{ printf "%.0f" $value }} jobs of the queue {{ $labels.queue }} failed within 15 minutes; the log of the reconciler says why.',
  },
  {
    alert: 'SyncproofStoreStale',
    expr: 'max by (instance) (syncproof_store_figures_stale) == 1',
    for: '5m',
    severity: 'warning',
    dashboard: 'syncproof-itself',
    summary: 'The database gives no figures.',
    description:
      'For five minutes the collector {{ $labels.instance }} has shown figures that are older: the database is slow or away.',
  },
  {
    alert: 'SyncproofAlertWaiting',
    expr: 'time() - min by (sink) (syncproof_alerts_waiting_oldest_timestamp_seconds) > 300',
    for: '5m',
    severity: 'critical',
    dashboard: 'syncproof-itself',
    summary: 'A sink takes no alerts.',
    description:
      'What {{ $labels.sink }} is to be told has been waiting for {{ $value | humanizeDuration }}; it is tried again for a week.',
  },
  {
    alert: 'SyncproofAlertGivenUp',
    expr: 'sum by (sink) (increase(syncproof_alert_deliveries_total{result="given_up"}[1h])) > 0',
    for: '0m',
    severity: 'critical',
    dashboard: 'syncproof-itself',
    summary: 'An alert was given up.',
    description:
      '{{ $labels.sink }} refused {{ printf "%.0f" $value }} messages for good within an hour: nobody was told by it.',
  },
  {
    alert: 'SyncproofAlertUndelivered',
    expr: 'sum by (integration) (increase(alertmanager_notifications_failed_total[10m])) > 0',
    for: '5m',
    severity: 'critical',
    dashboard: 'syncproof-itself',
    summary: 'Alerts do not arrive.',
    description:
      'Alertmanager could not deliver {{ printf "%.0f" $value }} notifications by {{ $labels.integration }} within ten minutes.',
  },
  {
    alert: 'SyncproofWatchdog',
    expr: 'vector(1)',
    severity: 'none',
    dashboard: 'syncproof-itself',
    summary: 'Alerts arrive.',
    description:
      'This one is always there. Send it to something that calls when it stays away: then Prometheus, Alertmanager or the way from them is broken.',
  },
]
