import type { DashboardSpec } from './dashboard.ts'
import { once } from './promql.ts'

/** What functions report; they may call the target by another name than the pair does. */
const ENTITY = 'entity_type="$entity_type"'
/** What reconciliations find. */
const OF = 'entity_type="$entity_type",system="$system"'

export const pair: DashboardSpec = {
  uid: 'syncproof-pair',
  title: 'pair',
  description: 'One pair: what differs, how much of it was compared, and when.',
  variables: [
    { name: 'pair', label: 'Pair', query: 'label_values(syncproof_pair_info, pair)' },
    {
      name: 'entity_type',
      label: 'Entity',
      query: 'label_values(syncproof_pair_info{pair="$pair"}, entity_type)',
      isHidden: true,
    },
    {
      name: 'system',
      label: 'System',
      query: 'label_values(syncproof_pair_info{pair="$pair"}, target)',
      isHidden: true,
    },
  ],
  rows: [
    {
      title: 'Last whole run',
      stats: [
        {
          title: 'Wholly compared',
          description: 'How long ago both sides were last compared as a whole.',
          queries: [
            {
              expr: 'time() - max by (pair) (syncproof_reconcile_last_success_timestamp_seconds{pair="$pair"} > 0)',
              legend: 'ago',
            },
          ],
          unit: 's',
          runbook: 'SyncproofReconciliationStale',
        },
        {
          title: 'Coverage',
          description: 'The share of the records that was decided.',
          queries: [
            { expr: 'min by (pair) (syncproof_reconcile_coverage_ratio{pair="$pair"})', legend: 'coverage' },
          ],
          unit: 'percentunit',
          redBelow: 0.99,
          runbook: 'SyncproofCoverageLow',
        },
        {
          title: 'Self-test',
          description:
            '1: it found every difference that was planted in its own comparer. 0: nothing it says counts.',
          queries: [
            { expr: 'min by (pair) (syncproof_reconcile_self_test_passed{pair="$pair"})', legend: 'passed' },
          ],
          unit: 'short',
          redBelow: 1,
          runbook: 'SyncproofRunUntrusted',
        },
        {
          title: 'Undecided',
          description: 'Records that could not be decided after the last try.',
          queries: [
            {
              expr: 'max by (pair) (syncproof_reconcile_indeterminate_records{pair="$pair"})',
              legend: 'records',
            },
          ],
          unit: 'short',
        },
        {
          title: 'Open divergences',
          description: 'Of this entity in this system, the baseline aside.',
          queries: [
            {
              expr: `sum(${once(`syncproof_divergences_open{${OF},baseline="false"}`)})`,
              legend: 'divergences',
            },
          ],
          unit: 'short',
          redFrom: 1,
          runbook: 'SyncproofDivergenceOpen',
        },
      ],
    },
    {
      title: 'Over time',
      graphs: [
        {
          title: 'Open divergences, by kind',
          description: 'The baseline is what differed before anybody watched.',
          queries: [
            {
              expr: `sum by (kind, baseline) (${once(`syncproof_divergences_open{${OF}}`)})`,
              legend: '{{kind}} (baseline {{baseline}})',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofDivergenceOpen',
        },
        {
          title: 'Runs, by result',
          description: 'unknown: the run could not tell; its report says why.',
          queries: [
            {
              expr: 'sum by (result) (increase(syncproof_reconcile_runs_total{pair="$pair"}[1h]))',
              legend: '{{result}}',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofReconciliationUnknown',
        },
        {
          title: 'Duration of a run',
          description: 'Half of the runs and nearly all of them, grace periods included.',
          queries: [
            {
              expr: 'histogram_quantile(0.5, sum by (le) (increase(syncproof_reconcile_duration_seconds_bucket{pair="$pair"}[1h])))',
              legend: 'half',
            },
            {
              expr: 'histogram_quantile(0.95, sum by (le) (increase(syncproof_reconcile_duration_seconds_bucket{pair="$pair"}[1h])))',
              legend: '95 %',
            },
          ],
          unit: 's',
        },
        {
          title: 'Records listed',
          description: 'Per second, by side.',
          queries: [
            {
              expr: 'sum by (side) (rate(syncproof_reconcile_rows_total{pair="$pair"}[$__rate_interval]))',
              legend: '{{side}}',
            },
          ],
          unit: 'short',
        },
        {
          title: 'Writes, by what became of them',
          description:
            'Per minute, by the system that the function names: reached, split or unknown when the operation ended.',
          queries: [
            {
              expr: `sum by (system, result) (${once(`rate(syncproof_synced_writes_total{${ENTITY}}[$__rate_interval])`)}) * 60`,
              legend: '{{system}} {{result}}',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofPartialWrite',
        },
        {
          title: 'Consistent within 5 minutes',
          description:
            'By the system that the function names: the known share, and what it surely is at 95 %.',
          queries: [
            {
              expr: `entity_type_system_within:syncproof_consistency:ratio_increase1h{${ENTITY},within="5m"}`,
              legend: '{{system}}',
            },
            {
              expr: `entity_type_system_within:syncproof_consistency:lower95_increase1h{${ENTITY},within="5m"}`,
              legend: '{{system}}, at least',
            },
          ],
          unit: 'percentunit',
          runbook: 'SyncproofConsistencyBurnFast',
        },
      ],
    },
  ],
}
