import type { DashboardSpec } from './dashboard.ts'
import { once } from './promql.ts'

const OF = 'operation="$operation"'

export const operation: DashboardSpec = {
  uid: 'syncproof-operation',
  title: 'operation',
  description: 'One wrapped function: how often it runs, what it lost, and what its code can do wrong.',
  variables: [
    { name: 'operation', label: 'Function', query: 'label_values(syncproof_operations_total, operation)' },
  ],
  rows: [
    {
      title: 'This function',
      stats: [
        {
          title: 'Proven findings, all time',
          description: 'What it is proven to have done, whatever the kind.',
          queries: [
            {
              expr: `sum(${once(`syncproof_operation_findings_total{${OF},verdict="proven"}`)}) or vector(0)`,
              legend: 'findings',
            },
          ],
          unit: 'short',
          redFrom: 1,
          runbook: 'SyncproofLostUpdate',
        },
        {
          title: 'Nearest miss',
          description:
            'How near two calls on one entity came to each other where nothing keeps them apart. 0: they met. Empty: no such hazard is open.',
          queries: [{ expr: `min(syncproof_hazard_nearest_miss_seconds{${OF}})`, legend: 'nearest miss' }],
          unit: 's',
        },
        {
          title: 'Failed, last hour',
          description: 'The share of its runs that threw.',
          queries: [
            {
              expr: `(sum(${once(`increase(syncproof_operations_total{${OF},outcome="failed"}[1h])`)}) or vector(0)) / sum(${once(`increase(syncproof_operations_total{${OF}}[1h])`)})`,
              legend: 'failed',
            },
          ],
          unit: 'percentunit',
        },
      ],
      graphs: [
        {
          title: 'Runs',
          description: 'Per minute, by outcome; and the tries beyond the first.',
          queries: [
            {
              expr: `sum by (outcome) (${once(`rate(syncproof_operations_total{${OF}}[$__rate_interval])`)}) * 60`,
              legend: '{{outcome}}',
            },
            {
              expr: `sum(${once(`rate(syncproof_operation_retries_total{${OF}}[$__rate_interval])`)}) * 60`,
              legend: 'retries',
            },
          ],
          unit: 'short',
        },
        {
          title: 'Findings, all time',
          description: 'By kind and verdict. A hazard has not happened yet, and this code can do it.',
          queries: [
            {
              expr: `sum by (kind, verdict) (${once(`syncproof_operation_findings_total{${OF}}`)})`,
              legend: '{{kind}} ({{verdict}})',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofLostUpdate',
        },
        {
          title: 'Writes',
          description: 'Per minute, by system and what became of them.',
          queries: [
            {
              expr: `sum by (system, outcome) (${once(`rate(syncproof_writes_total{${OF}}[$__rate_interval])`)}) * 60`,
              legend: '{{system}} {{outcome}}',
            },
          ],
          unit: 'short',
        },
        {
          title: 'Syncs',
          description: 'Attempts per minute, by system and what became of them.',
          queries: [
            {
              expr: `sum by (system, outcome) (${once(`rate(syncproof_syncs_total{${OF}}[$__rate_interval])`)}) * 60`,
              legend: '{{system}} {{outcome}}',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofPartialWrite',
        },
      ],
    },
    {
      title: 'All functions',
      graphs: [
        {
          title: 'Proven findings within an hour',
          description: 'By function and kind.',
          queries: [
            {
              expr: `sum by (operation, kind) (${once('increase(syncproof_operation_findings_total{verdict="proven"}[1h])')})`,
              legend: '{{operation}} {{kind}}',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofProvenFinding',
        },
        {
          title: 'Hazards, by how near it was',
          description: 'The nearest miss of each function, by the kind of hazard.',
          queries: [
            {
              expr: `min by (operation, kind) (syncproof_hazard_nearest_miss_seconds)`,
              legend: '{{operation}} {{kind}}',
            },
          ],
          unit: 's',
        },
        {
          title: 'Locks that were held',
          description:
            'Of the runs of declared sections whose lock was checked, the share in which it was held.',
          queries: [{ expr: 'section:syncproof_locks_held:ratio_increase1h', legend: '{{section}}' }],
          unit: 'percentunit',
          redBelow: 1,
          runbook: 'SyncproofLockVoid',
        },
        {
          title: 'Releases',
          description: 'When each release of a service was first heard of.',
          queries: [
            {
              expr: 'time() - max by (service, release) (syncproof_release_first_seen_timestamp_seconds)',
              legend: '{{service}} {{release}}',
            },
          ],
          unit: 's',
        },
      ],
    },
  ],
}
