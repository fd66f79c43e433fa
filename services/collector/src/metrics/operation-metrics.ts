import type { StoreFigures } from './store-figures.ts'
import { countedBy, type Sample, type StoreMetric } from './store-metric.ts'

/** Seconds, as the store counts them, and the name of the label. */
const WITHIN = [
  [60, '1m'],
  [300, '5m'],
  [600, '10m'],
] as const

export function operationMetrics(): readonly StoreMetric[] {
  return [...operations, ...consistency]
}

const operations: readonly StoreMetric[] = [
  {
    type: 'counter',
    name: 'syncproof_operations_total',
    help: 'Runs of wrapped functions that have ended, by function and outcome.',
    labelNames: ['operation', 'outcome'],
    samples: (figures) => countedBy(figures, 'operations', ['operation', 'outcome']),
  },
  {
    type: 'counter',
    name: 'syncproof_operation_retries_total',
    help: 'Second and later tries of wrapped functions and of what they sync, by function.',
    labelNames: ['operation'],
    *samples(figures) {
      for (const { labels } of countedBy(figures, 'operations', ['operation'])) yield { labels, value: 0 }
      yield* countedBy(figures, 'retries', ['operation'])
    },
  },
  {
    type: 'counter',
    name: 'syncproof_writes_total',
    help: 'Writes, by function, system and what became of them: ok, rejected, unknown.',
    labelNames: ['operation', 'system', 'outcome'],
    samples: (figures) => countedBy(figures, 'writes', ['operation', 'system', 'outcome']),
  },
  {
    type: 'counter',
    name: 'syncproof_syncs_total',
    help: 'Attempts to sync, by function, system and what became of them: ok, rejected, unknown.',
    labelNames: ['operation', 'system', 'outcome'],
    samples: (figures) => countedBy(figures, 'syncs', ['operation', 'system', 'outcome']),
  },
]

const consistency: readonly StoreMetric[] = [
  {
    type: 'counter',
    name: 'syncproof_synced_writes_total',
    help: 'What operations committed and a declared system was to get, by how it stood when the operation ended: reached, split, unknown.',
    labelNames: ['entity_type', 'system', 'result'],
    *samples(figures) {
      yield* each(figures, (labels) =>
        ['reached', 'split', 'unknown'].map((result) => ({ labels: { ...labels, result }, value: 0 })),
      )
      yield* countedBy(figures, 'writes_synced', ['entity_type', 'system', 'result'])
    },
  },
  {
    type: 'counter',
    name: 'syncproof_repaired_writes_total',
    help: 'Of `syncproof_synced_writes_total`, those that came right later, by how they had stood: split, unknown.',
    labelNames: ['entity_type', 'system', 'was'],
    *samples(figures) {
      yield* each(figures, (labels) =>
        ['split', 'unknown'].map((was) => ({ labels: { ...labels, was }, value: 0 })),
      )
      yield* countedBy(figures, 'writes_repaired', ['entity_type', 'system', 'was'])
    },
  },
  {
    type: 'counter',
    name: 'syncproof_consistent_writes_total',
    help: 'Of `syncproof_synced_writes_total`, those that are known to have been consistent within a time of the commit, at once or repaired; a longer time counts the shorter ones, too.',
    labelNames: ['entity_type', 'system', 'within'],
    *samples(figures) {
      for (const [seconds, within] of WITHIN) {
        const isInTime = ({ within_s }: { readonly within_s?: string }) => Number(within_s) <= seconds
        const samples = [
          ...each(figures, (labels) => [{ labels, value: 0 }]),
          ...countedBy(figures, 'writes_synced', ['entity_type', 'system'], isInTime),
          ...countedBy(figures, 'writes_repaired', ['entity_type', 'system'], isInTime),
        ]
        for (const { labels, value } of samples) yield { labels: { ...labels, within }, value }
      }
    },
  },
]

/** For every kind of entity and system that anything is known of: a ratio needs both of its parts from the beginning. */
function* each(
  figures: StoreFigures,
  zeros: (labels: Sample['labels']) => readonly Sample[],
): Iterable<Sample> {
  for (const { labels } of countedBy(figures, 'writes_synced', ['entity_type', 'system']))
    yield* zeros(labels)
}
