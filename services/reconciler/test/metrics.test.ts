import { openStore } from '@syncproof/store'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { freePort } from '../../../tools/testing/throwaway-servers.ts'
import { registerRunMetrics } from '../src/metrics/run-metrics.ts'
import { registerStoreGauges } from '../src/metrics/store-gauges.ts'

it('leaves out what it cannot know while the store is away, and every other series stays', async () => {
  const store = openStore({ url: `postgres://127.0.0.1:${await freePort()}/none` })
  const registry = new Registry()
  registerRunMetrics(registry, { pairs: ['candidate'], queues: ['q'], sinks: [] })
  registerStoreGauges(registry, store, 'default')
  const samples = (await registry.metrics()).split('\n').filter((line) => !line.startsWith('#'))
  await store.close()
  expect(samples.filter((line) => /nan/i.test(line))).toEqual([])
  for (const unknown of ['detection_lag_events', 'detection_lag_seconds', 'last_success_timestamp_seconds']) {
    expect(samples.filter((line) => line.includes(unknown))).toEqual([])
  }
  expect(samples).toContain('syncproof_queue_job_failures_total{queue="q"} 0')
  expect(samples).toContain('syncproof_reconcile_runs_total{pair="candidate",result="clean"} 0')
})
