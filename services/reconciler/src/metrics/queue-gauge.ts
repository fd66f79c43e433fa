import { Gauge, type Registry } from 'prom-client'
import { shareRead } from './share-read.ts'

/** How many jobs there are, by queue and state. While the queue is away there are no samples. */
export function registerQueueGauge(
  registry: Registry,
  count: () => Promise<Readonly<Record<string, Readonly<Record<string, number>>>>>,
): void {
  const readCounts = shareRead(count)
  const jobs = new Gauge<'queue' | 'state'>({
    name: 'syncproof_queue_jobs',
    help: 'Jobs in a queue now, by state: waiting, active, delayed.',
    labelNames: ['queue', 'state'] as const,
    registers: [registry],
    async collect() {
      const counts = Object.entries((await readCounts()) ?? {})
      jobs.reset()
      for (const [queue, states] of counts) {
        for (const [state, value] of Object.entries(states)) jobs.set({ queue, state }, value)
      }
    },
  })
}
