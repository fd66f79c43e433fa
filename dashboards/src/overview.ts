import type { DashboardSpec } from './dashboard.ts'
import { once } from './promql.ts'

const openOf = (kind: string) => `sum(${once(`syncproof_findings_open{kind="${kind}",verdict="proven"}`)})`

export const overview: DashboardSpec = {
  uid: 'syncproof-overview',
  title: 'integrity overview',
  description: 'Whether the database and the systems that it syncs with agree, and how often they did not.',
  rows: [
    {
      title: 'Now',
      stats: [
        {
          title: 'Divergences open',
          description:
            'Records on which source and system differ, read again after the grace period. What differed before anybody watched is not among them.',
          queries: [
            { expr: `sum(${once('syncproof_divergences_open{baseline="false"}')})`, legend: 'divergences' },
          ],
          unit: 'short',
          redFrom: 1,
          runbook: 'SyncproofDivergenceOpen',
        },
        {
          title: 'Lost updates, all time',
          description: 'Proven: a call overwrote what another had written and it had not seen.',
          queries: [
            {
              expr: `sum(${once('syncproof_findings_total{kind="lost-update",verdict="proven"}')})`,
              legend: 'lost updates',
            },
          ],
          unit: 'short',
          redFrom: 1,
          runbook: 'SyncproofLostUpdate',
        },
        {
          title: 'Partial writes open',
          description: 'Proven: one side was written and the other was not, and nothing has put it right.',
          queries: [{ expr: openOf('partial-write'), legend: 'partial writes' }],
          unit: 'short',
          redFrom: 1,
          runbook: 'SyncproofPartialWrite',
        },
        {
          title: 'Unknown outcomes open',
          description: 'Nobody knows yet whether it was applied: a recheck by key decides. Not an alarm.',
          queries: [
            { expr: `sum(${once('syncproof_findings_open{kind="unknown-outcome"}')})`, legend: 'unknown' },
          ],
          unit: 'short',
        },
        {
          title: 'Consistent within 5 minutes, last hour',
          description:
            'The share of writes that is known to have reached the other system in time. What is not known counts against it.',
          queries: [
            {
              expr: 'entity_type_system_within:syncproof_consistency:ratio_increase1h{within="5m"}',
              legend: '{{entity_type}} → {{system}}',
            },
          ],
          unit: 'percentunit',
          redBelow: 0.999,
          runbook: 'SyncproofConsistencyBurnFast',
        },
      ],
    },
    {
      title: 'Findings',
      graphs: [
        {
          title: 'Found, by kind',
          description: 'Findings that are proven or were observed, within an hour each.',
          queries: [
            {
              expr: `sum by (kind) (${once('increase(syncproof_findings_total{verdict=~"proven|observed"}[1h])')}) > 0 or sum(${once('increase(syncproof_findings_total{verdict=~"proven|observed"}[1h])')})`,
              legend: '{{kind}}',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofProvenFinding',
        },
        {
          title: 'Open, by verdict',
          description:
            'proven and observed are facts; indeterminate is undecided; a hazard has not happened yet.',
          queries: [{ expr: `sum by (verdict) (${once('syncproof_findings_open')})`, legend: '{{verdict}}' }],
          unit: 'short',
        },
        {
          title: 'Divergences open, by system',
          description:
            'By kind of entity and system; baseline: it was so before anybody watched, and pages nobody.',
          queries: [
            {
              expr: `sum by (entity_type, system, baseline) (${once('syncproof_divergences_open')})`,
              legend: '{{entity_type}} → {{system}} (baseline {{baseline}})',
            },
          ],
          unit: 'short',
          runbook: 'SyncproofDivergenceOpen',
        },
        {
          title: 'Age of the oldest divergence',
          description: 'How long the oldest open difference has been known without a break. Empty is good.',
          queries: [
            {
              expr: `time() - ${once('syncproof_divergence_oldest_timestamp_seconds')}`,
              legend: '{{entity_type}} → {{system}}',
            },
          ],
          unit: 's',
          redFrom: 14_400,
          runbook: 'SyncproofDivergenceOld',
        },
      ],
    },
    {
      title: 'Rates of the last hour',
      graphs: [
        {
          title: 'Conflicts, partial writes, retries',
          description: 'Conflicts of writes that were committed; partial writes and retries of operations.',
          queries: [
            { expr: 'syncproof:write_conflicts:ratio_increase1h', legend: 'conflict rate' },
            { expr: 'syncproof:partial_writes:ratio_increase1h', legend: 'partial-write rate' },
            { expr: 'syncproof:retries:ratio_increase1h', legend: 'retry rate' },
          ],
          unit: 'percentunit',
          runbook: 'SyncproofLostUpdate',
        },
        {
          title: 'Consistent within 1, 5 and 10 minutes',
          description:
            'The known share, and below it what it surely is at 95 % (Wilson): of few writes little can be said.',
          queries: [
            {
              expr: 'entity_type_system_within:syncproof_consistency:ratio_increase1h',
              legend: '{{entity_type}} → {{system}} within {{within}}',
            },
            {
              expr: 'entity_type_system_within:syncproof_consistency:lower95_increase1h{within="5m"}',
              legend: '{{entity_type}} → {{system}} within {{within}}, at least',
            },
            {
              expr: 'entity_type_system:syncproof_unknown_writes:ratio_increase1h',
              legend: '{{entity_type}} → {{system}} unknown',
            },
          ],
          unit: 'percentunit',
          runbook: 'SyncproofConsistencyBurnSlow',
        },
      ],
    },
  ],
}
