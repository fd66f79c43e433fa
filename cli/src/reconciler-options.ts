import { type Config, resolveRetention } from '@syncproof/connectors'
import type { ReconcilerOptions } from '@syncproof/reconciler'

/** What a configuration says to a reconciler. Without one, what is kept in the database stays as it was told last. */
export function reconcilerOptions(
  config: Config | undefined,
): Pick<ReconcilerOptions, 'pairs' | 'retention' | 'alerts' | 'operationOwners' | 'maintenance'> {
  if (config === undefined) return { pairs: {} }
  const { pairs, retention, alerts = [], operations = {}, maintenance = [] } = config
  return {
    pairs,
    retention: resolveRetention(retention),
    alerts,
    operationOwners: Object.fromEntries(Object.entries(operations).map(([name, { owner }]) => [name, owner])),
    maintenance: maintenance.map(({ pairs = null, from, until, reason }) => ({
      pairs,
      reason,
      starts_at: from,
      ends_at: until,
    })),
  }
}
