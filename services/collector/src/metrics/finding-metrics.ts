import { DIVERGENCE_KINDS, FINDING_KINDS, FINDING_STATUSES, VERDICTS } from '@syncproof/core/contract'
import type { StoreFigures } from './store-figures.ts'
import { countedBy, type Sample, type StoreMetric } from './store-metric.ts'

const divergenceKinds: readonly string[] = DIVERGENCE_KINDS

/** Every kind with every verdict: an alert on a series that does not exist yet would never fire. */
const noFindings: readonly Sample[] = FINDING_KINDS.flatMap((kind) =>
  VERDICTS.map((verdict) => ({ labels: { kind, verdict }, value: 0 })),
)

const noFindingsByStatus: readonly Sample[] = noFindings.flatMap(({ labels, value }) =>
  FINDING_STATUSES.map((status) => ({ labels: { ...labels, status }, value })),
)

const noDivergences = ({ systems }: StoreFigures): readonly Sample[] =>
  systems.flatMap(({ entity_type, system }) =>
    DIVERGENCE_KINDS.flatMap((kind) =>
      ['true', 'false'].map((baseline) => ({ labels: { kind, entity_type, system, baseline }, value: 0 })),
    ),
  )

export function findingMetrics(): readonly StoreMetric[] {
  return [...totals, ...standing, ...divergences]
}

const totals: readonly StoreMetric[] = [
  {
    type: 'counter',
    name: 'syncproof_findings_total',
    help: 'Findings ever found, by kind and verdict; again with a stronger verdict, and when one that was over is back.',
    labelNames: ['kind', 'verdict'],
    *samples(figures) {
      yield* noFindings
      yield* countedBy(figures, 'findings_made', ['kind', 'verdict'])
    },
  },
  {
    type: 'counter',
    name: 'syncproof_operation_findings_total',
    help: 'Findings ever found that an operation of this name did, by kind and verdict.',
    labelNames: ['operation', 'kind', 'verdict'],
    samples: (figures) =>
      countedBy(
        figures,
        'findings_made',
        ['operation', 'kind', 'verdict'],
        ({ operation }) => operation !== undefined,
      ),
  },
  {
    type: 'counter',
    name: 'syncproof_write_conflicts_total',
    help: 'Committed writes that are proven to have overwritten a version they had not seen: lost updates and write conflicts.',
    labelNames: [],
    samples: (figures) => proven(figures, ['lost-update', 'write-conflict']),
  },
  {
    type: 'counter',
    name: 'syncproof_partial_writes_total',
    help: 'Operations that are proven to have ended with database and external system split.',
    labelNames: [],
    samples: (figures) => proven(figures, ['partial-write']),
  },
]

function* proven(figures: StoreFigures, kinds: readonly string[]): Iterable<Sample> {
  yield { labels: {}, value: 0 }
  yield* countedBy(
    figures,
    'findings_made',
    [],
    ({ kind, verdict }) => verdict === 'proven' && kinds.includes(kind ?? ''),
  )
}

const standing: readonly StoreMetric[] = [
  {
    type: 'gauge',
    name: 'syncproof_findings_open',
    help: 'Findings that are open now, by kind and verdict.',
    labelNames: ['kind', 'verdict'],
    *samples(figures) {
      yield* noFindings
      yield* countedBy(figures, 'findings', ['kind', 'verdict'], ({ status }) => status === 'open')
    },
  },
  {
    type: 'gauge',
    name: 'syncproof_findings_by_status',
    help: 'Findings as they stand now, by kind, verdict and status.',
    labelNames: ['kind', 'verdict', 'status'],
    *samples(figures) {
      yield* noFindingsByStatus
      yield* countedBy(figures, 'findings', ['kind', 'verdict', 'status'])
    },
  },
]

const divergences: readonly StoreMetric[] = [
  {
    type: 'gauge',
    name: 'syncproof_divergences_open',
    help: 'Records on which a source and a system do not agree, open now; baseline="true": it was so before anybody watched.',
    labelNames: ['kind', 'entity_type', 'system', 'baseline'],
    *samples(figures) {
      yield* noDivergences(figures)
      yield* countedBy(
        figures,
        'findings',
        ['kind', 'entity_type', 'system', 'baseline'],
        ({ kind, status }) => status === 'open' && divergenceKinds.includes(kind ?? ''),
      )
    },
  },
  {
    type: 'gauge',
    name: 'syncproof_divergence_oldest_timestamp_seconds',
    help: 'Since when the oldest open divergence, the baseline aside, has been known without a break; absent where none is open.',
    labelNames: ['entity_type', 'system'],
    *samples({ oldestDivergences }) {
      for (const { sinceMs, ...labels } of oldestDivergences) yield { labels, value: sinceMs / 1_000 }
    },
  },
  {
    type: 'gauge',
    name: 'syncproof_hazard_nearest_miss_seconds',
    help: 'How near two calls of a function came to each other where nothing keeps them apart, by the kind of hazard; 0: they met.',
    labelNames: ['operation', 'kind'],
    *samples({ nearestMisses }) {
      for (const { ms, ...labels } of nearestMisses) yield { labels, value: ms / 1_000 }
    },
  },
]
