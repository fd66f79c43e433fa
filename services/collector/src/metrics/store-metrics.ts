import type { Store } from '@syncproof/store'
import { Counter, Gauge, type Registry } from 'prom-client'
import { bookMetrics } from './book-metrics.ts'
import { findingMetrics } from './finding-metrics.ts'
import { operationMetrics } from './operation-metrics.ts'
import { createFiguresReader } from './store-figures.ts'
import type { StoreMetric } from './store-metric.ts'

/** Metrics that are read from the store when Prometheus asks. They survive restarts and are the same whichever
 *  collector is scraped: sum none of them over instances. While the store is away they keep the last known values,
 *  and `syncproof_store_figures_stale` is 1; where they were never read they have no samples. */
export function registerStoreMetrics(
  registry: Registry,
  store: Store,
  clocks: { readonly clockMs: () => number; readonly nowMs: () => number },
): void {
  const readKnown = createFiguresReader(store, clocks.clockMs, clocks.nowMs)
  const registers = [registry]
  for (const metric of [...findingMetrics(), ...operationMetrics(), ...bookMetrics()]) register(metric)
  new Gauge({
    name: 'syncproof_store_figures_timestamp_seconds',
    help: 'When the figures from the database were last read; 0 = never since the start.',
    registers,
    async collect() {
      this.set((await readKnown()).readAtMs / 1_000)
    },
  })
  new Gauge({
    name: 'syncproof_store_figures_stale',
    help: '1 while the database gives no newer figures: what is shown of it is what was last known; else 0.',
    registers,
    async collect() {
      this.set((await readKnown()).isStale ? 1 : 0)
    },
  })

  function register({ type, name, help, labelNames, samples }: StoreMetric): void {
    const Metric = type === 'counter' ? Counter : Gauge
    new Metric({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      async collect() {
        const { figures } = await readKnown()
        // without an await in between, so that two scrapes never see or make half of it
        this.reset()
        if (figures === undefined) {
          // a metric without labels is 0 after a reset: what is not known has no sample
          if (labelNames.length === 0) this.remove()
          return
        }
        for (const { labels, value } of samples(figures)) this.inc({ ...labels }, value)
      },
    })
  }
}
