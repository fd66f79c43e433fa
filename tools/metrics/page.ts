import type { MetricDefinition } from './definitions.ts'

const UNITS: readonly (readonly [end: RegExp, unit: string])[] = [
  [/_timestamp_seconds$/, 'seconds since 1970'],
  [/_seconds$/, 'seconds'],
  [/_bytes$/, 'bytes'],
  [/_ratio$/, '0 to 1'],
  [/_(stale|passed|last_result|info)$/, '0 or 1'],
]

/** docs/metrics.md, from what the services register. */
export function metricsPage(metrics: readonly MetricDefinition[]): string {
  return [INTRO, section(metrics, 'collector'), section(metrics, 'reconciler'), OUTRO].join('\n')
}

const INTRO = `<!-- Made by \`npm run metrics\` from what the services register. -->
# Metrics

Each service has its own port: \`syncproof collector\` and \`syncproof dev\` answer at \`http://127.0.0.1:4320/metrics\`, \`syncproof reconciler\` at
\`http://127.0.0.1:4321/metrics\`, in the OpenMetrics format. Durations carry exemplars with the trace id where one is known
(\`--enable-feature=exemplar-storage\` in Prometheus). [Dashboards, recording rules and alerts](../dashboards/README.md) use these and no others.

- **Sum none of the collector's figures of the store over instances.** They come from the database and are the same at whichever collector is asked:
  take \`max without (instance)\`. The rules do.
- Labels come from configuration and from names in code, never from records. Of the names of one label (\`operation\`, \`entity_type\`, \`system\`,
  \`section\`) the first 200 have series of their own; all others count together as \`__overflow__\`; of a name the first 127 characters are shown. A name that starts with \`__unknown__\` was never reported.
- Counters of findings and operations live in the database: they survive restarts, and do not fall when rows expire. They are at most a few
  seconds behind the API.
- While the database is away the collector keeps the last known figures, with \`syncproof_store_figures_stale\` 1; the reconciler leaves its figures of the
  database out, which Prometheus marks as stale. What a process counts itself goes on, and no scrape waits for more than some seconds.
- Beside these, both services export the process metrics of Node.js (\`process_*\`, \`nodejs_*\`).
`

const OUTRO = `## Ratios

| what | of which |
|---|---|
| conflict rate | \`syncproof_write_conflicts_total\` of \`syncproof_writes_total{outcome="ok"}\` |
| partial-write rate | \`syncproof_partial_writes_total\` of \`syncproof_operations_total\` |
| retry rate | \`syncproof_operation_retries_total\` of \`syncproof_operations_total\` |
| consistent within N | \`syncproof_consistent_writes_total{within="N"}\` of \`syncproof_synced_writes_total\`: the known share, never more than the true one |
| unknown share | \`syncproof_synced_writes_total{result="unknown"}\` less \`syncproof_repaired_writes_total{was="unknown"}\`, of \`syncproof_synced_writes_total\` |
| lock liveness | \`syncproof_section_runs_total{result="held"}\` of those with \`result=~"held\\|not_held"\` |

A scrape with 1,000,000 findings stored, of 10,000 kinds of entities by 10,000 functions (\`npm run bench:metrics\`, two cores): 29 ms at the median, an eighth of
summing the findings; 976 series, 92 kB.

The recording rules in \`dashboards/prometheus/\` have each of them by name.
`

function section(metrics: readonly MetricDefinition[], service: MetricDefinition['service']): string {
  const rows = metrics
    .filter((metric) => metric.service === service)
    .map(
      ({ name, type, labels, help }) =>
        `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ') || '–'} | ${unitOf(name)} | ${help.replaceAll('|', '\\|')} |`,
    )
  return [
    `## The ${service}`,
    '',
    '| metric | type | labels | unit | meaning |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function unitOf(name: string): string {
  return UNITS.find(([end]) => end.test(name))?.[1] ?? 'count'
}
