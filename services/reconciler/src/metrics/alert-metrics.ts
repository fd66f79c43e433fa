import type { AlertFigures, Store } from '@syncproof/store'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { shareRead } from './share-read.ts'

const RESULTS = ['delivered', 'failed', 'given_up'] as const

/** What this process has sent. Every series of a configured sink is there, as 0, before the first message. */
export function alertMetrics(registers: Registry[], sinks: readonly string[]) {
  const metrics = {
    alertDeliveries: new Counter<'sink' | 'result'>({
      name: 'syncproof_alert_deliveries_total',
      help: 'Tries to tell a sink something, by how they ended: delivered, failed and to be tried again, given_up.',
      labelNames: ['sink', 'result'] as const,
      registers,
    }),
    alertDelay: new Histogram<'sink'>({
      name: 'syncproof_alert_delivery_delay_seconds',
      help: 'From the decision that a sink is to be told something until it has taken it.',
      labelNames: ['sink'] as const,
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 86_400],
      registers,
    }),
  }
  for (const sink of sinks) {
    for (const result of RESULTS) metrics.alertDeliveries.inc({ sink, result }, 0)
    metrics.alertDelay.zero({ sink })
  }
  return metrics
}

const gauges: readonly {
  readonly name: string
  readonly help: string
  /** Undefined: there is no sample. */
  value(figures: AlertFigures): number | undefined
}[] = [
  {
    name: 'syncproof_alerts_waiting',
    help: 'Messages that a sink has not taken yet.',
    value: ({ waiting }) => waiting,
  },
  {
    name: 'syncproof_alerts_waiting_oldest_timestamp_seconds',
    help: 'When the oldest message that a sink has not taken yet was decided; absent where none waits.',
    value: ({ oldestMs }) => (oldestMs === null ? undefined : oldestMs / 1_000),
  },
  {
    name: 'syncproof_alerts_firing',
    help: 'Groups of findings that a sink is told of, and not yet that they are over.',
    value: ({ firing }) => firing,
  },
]

/** Read from the store at each scrape, the same in every process; no sample while it does not answer. */
export function registerAlertGauges(registry: Registry, store: Store, sinks: readonly string[]): void {
  const read = shareRead(() => store.alerts.figures())
  for (const { name, help, value } of gauges) {
    const gauge = new Gauge<'sink'>({
      name,
      help,
      labelNames: ['sink'] as const,
      registers: [registry],
      async collect() {
        const figures = await read()
        gauge.reset()
        if (figures === undefined) return
        const unheard = sinks.filter((sink) => !figures.some((known) => known.sink === sink))
        const none = unheard.map((sink) => ({ sink, waiting: 0, oldestMs: null, firing: 0 }))
        for (const one of [...figures, ...none]) {
          const sample = value(one)
          if (sample !== undefined) gauge.set({ sink: one.sink }, sample)
        }
      },
    })
  }
}
