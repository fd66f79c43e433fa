import { Registry } from 'prom-client'
import { buildCollector } from '../../services/collector/src/build-collector.ts'
import { registerAlertGauges } from '../../services/reconciler/src/metrics/alert-metrics.ts'
import { registerQueueGauge } from '../../services/reconciler/src/metrics/queue-gauge.ts'
import { registerRunMetrics } from '../../services/reconciler/src/metrics/run-metrics.ts'
import { registerStoreGauges } from '../../services/reconciler/src/metrics/store-gauges.ts'
import { openStore } from '../../store/src/index.ts'

export interface MetricDefinition {
  readonly service: 'collector' | 'reconciler'
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

/** Every metric of the services, as they register them. */
export async function metricDefinitions(): Promise<readonly MetricDefinition[]> {
  // nothing is read before a scrape, so nobody connects
  const store = openStore({ url: 'postgres://127.0.0.1/none' })
  const [collector, reconciler] = [new Registry(), new Registry()]
  const app = await buildCollector({ store, metrics: collector })
  registerRunMetrics(reconciler, { pairs: [], queues: [], sinks: [] })
  registerStoreGauges(reconciler, store, 'none')
  registerAlertGauges(reconciler, store, [])
  registerQueueGauge(reconciler, async () => ({}))
  await app.close()
  await store.close()
  return [...definitionsOf('collector', collector), ...definitionsOf('reconciler', reconciler)]
}

/** Of a metric object, what prom-client's types do not tell. */
interface Registered {
  readonly name: string
  readonly help: string
  readonly type: MetricDefinition['type']
  readonly labelNames: readonly string[]
}

function definitionsOf(
  service: MetricDefinition['service'],
  registry: Registry,
): readonly MetricDefinition[] {
  return (registry.getMetricsAsArray() as unknown as readonly Registered[])
    .map(({ name, help, type, labelNames }) => {
      // a label of exemplars is none of the series
      const labels = labelNames.filter((label) => label !== 'trace_id')
      return { service, name, type, labels, help }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
