import type { Store } from '@syncproof/store'
import { Gauge, type Registry } from 'prom-client'
import { replicaLagSeconds } from '../replica/replica-state.ts'

/** @param replica undefined where reports are read from the database that events go to: then there is no sample */
export function registerReplicaMetrics(registry: Registry, store: Store, replica: Store | undefined): void {
  new Gauge({
    name: 'syncproof_read_replica_lag_seconds',
    help: 'By how much the replica that reports are read from is behind; no sample without `--read-database`, and while it does not answer.',
    registers: [registry],
    async collect() {
      const lag = replica && (await replicaLagSeconds(store, replica))
      if (lag === undefined) this.remove()
      else this.set(lag)
    },
  })
}
