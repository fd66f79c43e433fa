import { FINDING_KINDS, FINDING_STATUSES, VERDICTS } from '@syncproof/core/contract'
import { CONTRADICTED, type Store } from '@syncproof/store'
import { Counter, Gauge, type Registry } from 'prom-client'
import { createLabelCap } from './cap-label.ts'
import { createFiguresReader, type StoreFigures } from './store-figures.ts'

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** One metric whose values are the store's. */
interface StoreMetric {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly string[]
  samples(figures: StoreFigures): Iterable<Sample>
}

/** Metrics that are read from the store when Prometheus asks. They survive restarts and are the same whichever
 *  collector is scraped: sum none of them over instances. */
export function registerStoreMetrics(registry: Registry, store: Store, nowMs: () => number): void {
  const readFigures = createFiguresReader(store, nowMs)
  const capKind = createLabelCap()
  const totals = [
    ...findingTotals(capKind),
    ...operationTotals(createLabelCap()),
    sectionTotal(createLabelCap()),
    inconsistentTotal,
  ]
  for (const metric of totals) registerFrom(Counter, metric)
  const gauges = [...findingGauges(capKind), ...bookGauges(createLabelCap())]
  for (const metric of gauges) registerFrom(Gauge, metric)

  function registerFrom(type: typeof Counter | typeof Gauge, metric: StoreMetric): void {
    const { name, help, labelNames } = metric
    new type({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      async collect() {
        const figures = await readFigures()
        // without an await in between, so that two scrapes never see or make half of it
        this.reset()
        for (const { labels, value } of metric.samples(figures)) this.inc({ ...labels }, value)
      },
    })
  }
}

/** Every kind with every verdict: an alert on a series that does not exist yet would never fire. */
const noFindings: readonly Sample[] = FINDING_KINDS.flatMap((kind) =>
  VERDICTS.map((verdict) => ({ labels: { kind, verdict }, value: 0 })),
)

const noFindingsByStatus: readonly Sample[] = noFindings.flatMap(({ labels, value }) =>
  FINDING_STATUSES.map((status) => ({ labels: { ...labels, status }, value })),
)

function* findingSamples(
  { findings }: StoreFigures,
  capKind: (kind: string) => string,
  wanted: (row: StoreFigures['findings'][number]) => boolean,
): Iterable<Sample> {
  yield* noFindings
  for (const row of findings) {
    if (wanted(row)) yield { labels: { kind: capKind(row.kind), verdict: row.verdict }, value: row.count }
  }
}

function* kindTotal({ findings }: StoreFigures, kinds: readonly string[]): Iterable<Sample> {
  const of = findings.filter((row) => kinds.includes(row.kind))
  yield { labels: {}, value: of.reduce((sum, row) => sum + row.count, 0) }
}

function findingTotals(capKind: (kind: string) => string): readonly StoreMetric[] {
  return [
    {
      name: 'syncproof_findings_total',
      help: 'Findings ever found, by kind and verdict.',
      labelNames: ['kind', 'verdict'],
      samples: (figures) => findingSamples(figures, capKind, () => true),
    },
    {
      name: 'syncproof_write_conflicts_total',
      help: 'Committed writes that overwrote a version they had not seen: lost updates and write conflicts.',
      labelNames: [],
      samples: (figures) => kindTotal(figures, ['lost-update', 'write-conflict']),
    },
    {
      name: 'syncproof_partial_writes_total',
      help: 'Operations that ended with database and external system split.',
      labelNames: [],
      samples: (figures) => kindTotal(figures, ['partial-write']),
    },
  ]
}

function findingGauges(capKind: (kind: string) => string): readonly StoreMetric[] {
  return [
    {
      name: 'syncproof_findings_open',
      help: 'Findings that are open now, by kind and verdict.',
      labelNames: ['kind', 'verdict'],
      samples: (figures) => findingSamples(figures, capKind, (row) => row.status === 'open'),
    },
    {
      name: 'syncproof_findings_by_status',
      help: 'Findings as they stand now, by kind, verdict and status.',
      labelNames: ['kind', 'verdict', 'status'],
      *samples({ findings }) {
        yield* noFindingsByStatus
        for (const { kind, verdict, status, count } of findings) {
          yield { labels: { kind: capKind(kind), verdict, status }, value: count }
        }
      },
    },
    {
      name: 'syncproof_store_figures_timestamp_seconds',
      help: 'When the figures from the database were last read; 0 = never since the start.',
      labelNames: [],
      *samples({ readAtMs }) {
        yield { labels: {}, value: readAtMs / 1000 }
      },
    },
  ]
}

function operationTotals(capOperation: (name: string) => string): readonly StoreMetric[] {
  return [
    {
      name: 'syncproof_operations_total',
      help: 'Runs of wrapped functions, by function and outcome.',
      labelNames: ['operation', 'outcome'],
      *samples({ operations }) {
        for (const { name, outcome, count } of operations) {
          yield { labels: { operation: capOperation(name), outcome }, value: count }
        }
      },
    },
    {
      name: 'syncproof_operation_retries_total',
      help: 'Runs of wrapped functions that were a retry of another, by function.',
      labelNames: ['operation'],
      *samples({ operations }) {
        for (const { name, retries } of operations) {
          yield { labels: { operation: capOperation(name) }, value: retries }
        }
      },
    },
  ]
}

function sectionTotal(capSection: (name: string) => string): StoreMetric {
  return {
    name: 'syncproof_section_runs_total',
    help: 'Runs of declared sections, by section and what the check of their lock said: held, not_held, unknown.',
    labelNames: ['section', 'result'],
    *samples({ sections }) {
      for (const { name, ...runs } of sections) {
        const section = capSection(name)
        for (const [result, value] of Object.entries(runs)) yield { labels: { section, result }, value }
      }
    },
  }
}

const inconsistentTotal: StoreMetric = {
  name: 'syncproof_inconsistent_events_total',
  help: 'Events that contradict one stored before them, by what: its sequence number, operation, version, or content under one id.',
  labelNames: ['contradicts'],
  *samples({ inconsistent }) {
    for (const contradicts of CONTRADICTED) yield { labels: { contradicts }, value: 0 }
    for (const { contradicts, count } of inconsistent) yield { labels: { contradicts }, value: count }
  },
}

function bookGauges(capReason: (reason: string) => string): readonly StoreMetric[] {
  const of = 'of processes that were heard of within a day'
  return [
    {
      name: 'syncproof_events_unaccounted',
      help: `Events that were produced and are neither stored nor dropped nor on their way, ${of}.`,
      labelNames: [],
      *samples({ books }) {
        yield { labels: {}, value: books.unaccounted }
      },
    },
    {
      name: 'syncproof_events_in_flight',
      help: `Events that were produced and may be on their way, ${of}.`,
      labelNames: [],
      *samples({ books }) {
        yield { labels: {}, value: books.inFlight }
      },
    },
    {
      name: 'syncproof_events_dropped',
      help: `Events that the SDK has dropped, sampled ones among them, by its reason, ${of}.`,
      labelNames: ['reason'],
      *samples({ books }) {
        for (const { reason, count } of books.dropped)
          yield { labels: { reason: capReason(reason) }, value: count }
      },
    },
  ]
}
