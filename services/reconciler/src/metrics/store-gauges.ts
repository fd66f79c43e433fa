import type { Coverage, Store } from '@syncproof/store'
import { Gauge, type Registry } from 'prom-client'
import { RESULTS } from './run-metrics.ts'
import { shareRead } from './share-read.ts'

/** What is known at a scrape; each part undefined where it could not be read. */
type Pairs = Awaited<ReturnType<Store['reports']['pairs']>>
type Pair = Pairs[number]
type LastWhole = Awaited<ReturnType<Store['reports']['lastWhole']>>[number]

/** Figures that are read from the store at each scrape, so that they survive restarts and are the same in every
 *  process. While the store does not answer they have no sample, never an old value. */
export function registerStoreGauges(registry: Registry, store: Store, projectId: string): void {
  lagGauges(registry, store)
  const readPairs = shareRead(() => store.reports.pairs(projectId))
  const readLast = shareRead(() => store.reports.lastWhole(projectId))
  for (const { name, help, value } of ofPairs) {
    pairGauge(registry, name, help, async () =>
      ((await readPairs()) ?? []).map((pair) => [{ pair: pair.name }, value(pair)]),
    )
  }
  for (const { name, help, value } of ofLastWhole) {
    pairGauge(registry, name, help, async () =>
      ((await readLast()) ?? []).map((last) => [{ pair: last.pair }, value(last)]),
    )
  }
  pairInfo(registry, readPairs)
  const results = new Gauge<'pair' | 'result'>({
    name: 'syncproof_reconcile_last_result',
    help: '1 for the result of the last whole run of the pair, 0 for the others: clean, diverged, unknown.',
    labelNames: ['pair', 'result'] as const,
    registers: [registry],
    async collect() {
      const all = (await readLast()) ?? []
      results.reset()
      for (const last of all) {
        for (const result of RESULTS) results.set({ pair: last.pair, result }, last.result === result ? 1 : 0)
      }
    },
  })
}

/** For joins: whom a pair belongs to, and what it compares. */
function pairInfo(registry: Registry, readPairs: () => Promise<Pairs | undefined>): void {
  const info = new Gauge<'pair' | 'entity_type' | 'source' | 'target' | 'owner'>({
    name: 'syncproof_pair_info',
    help: 'Always 1: the kind of entity of a configured pair, its two systems, and its owner where it has one.',
    labelNames: ['pair', 'entity_type', 'source', 'target', 'owner'] as const,
    registers: [registry],
    async collect() {
      const pairs = (await readPairs()) ?? []
      info.reset()
      for (const { name: pair, entity_type, source, target, owner } of pairs) {
        info.set({ pair, entity_type, source, target, ...(owner !== null && { owner }) }, 1)
      }
    },
  })
}

interface PairFigure<T> {
  readonly name: string
  readonly help: string
  /** Undefined: there is no sample. */
  value(of: T): number | undefined
}

const ofPairs: readonly PairFigure<Pair>[] = [
  {
    name: 'syncproof_reconcile_last_success_timestamp_seconds',
    help: 'When the pair was last wholly compared; 0 for never.',
    value: ({ last_success_at }) => (last_success_at ? Date.parse(last_success_at) / 1_000 : 0),
  },
  {
    name: 'syncproof_reconcile_interval_seconds',
    help: 'How often the pair is to be compared; absent where it has no schedule.',
    value: ({ every_ms }) => (every_ms === null ? undefined : every_ms / 1_000),
  },
  {
    name: 'syncproof_reconcile_progress_ratio',
    help: 'Of the records of both sides of a pair, about how many a run that goes on has read; absent where none does.',
    value({ last_report }) {
      const { source_records = 0, target_records = 0, estimated_records } = last_report?.progress ?? {}
      return estimated_records
        ? Math.min(1, (source_records + target_records) / (2 * estimated_records))
        : undefined
    },
  },
]

const ofLastWhole: readonly PairFigure<LastWhole>[] = [
  {
    name: 'syncproof_reconcile_coverage_ratio',
    help: 'Of the records of the last whole run of the pair, the share that was decided: they agree or they do not. Absent where nobody knows how many were not read.',
    value: ({ coverage }) => (coverage === null ? undefined : coverageRatio(coverage)),
  },
  {
    name: 'syncproof_reconcile_indeterminate_records',
    help: 'Records that the last whole run of the pair could not decide.',
    value: ({ coverage }) => coverage?.indeterminate,
  },
  {
    name: 'syncproof_reconcile_self_test_passed',
    help: '1 where the last whole run of the pair found every difference that was planted in its own comparer; 0 where it did not, so that nothing it says counts; absent where it did not come so far.',
    value: ({ self_test }) => (self_test === null ? undefined : Number(self_test === 'passed')),
  },
]

function coverageRatio({ compared, indeterminate, unread }: Coverage): number | undefined {
  if (unread === null) return undefined
  const all = compared + indeterminate + unread
  return all === 0 ? 1 : compared / all
}

function pairGauge(
  registry: Registry,
  name: string,
  help: string,
  read: () => Promise<readonly (readonly [{ readonly pair: string }, number | undefined])[]>,
): void {
  const gauge = new Gauge<'pair'>({
    name,
    help,
    labelNames: ['pair'] as const,
    registers: [registry],
    async collect() {
      const all = await read()
      gauge.reset()
      for (const [labels, value] of all) if (value !== undefined) gauge.set(labels, value)
    },
  })
}

function lagGauges(registry: Registry, store: Store): void {
  const readLag = shareRead(() => store.detection.lag())
  const events = new Gauge({
    name: 'syncproof_detection_lag_events',
    help: 'Events stored and not judged yet.',
    registers: [registry],
    async collect() {
      setOrRemove(events, (await readLag())?.events)
    },
  })
  const seconds = new Gauge({
    name: 'syncproof_detection_lag_seconds',
    help: 'Age of the oldest event that is stored and not judged yet.',
    registers: [registry],
    async collect() {
      const ms = (await readLag())?.oldestAgeMs
      setOrRemove(seconds, ms === undefined ? undefined : ms / 1_000)
    },
  })
}

/** What is not known has no sample: an old value would lie, and prom-client writes NaN as no Prometheus reads it. */
function setOrRemove(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove()
  else gauge.set(value)
}
