import type { AlertKey } from '@syncproof/store'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'

/** Ends groups of findings that are over, and decides what sinks are to hear of those that have changed.
 *  @returns what can be sent now, whoever decided it: a queue that was flushed, or a worker that died, is made good by the next
 *  time */
export async function raise(context: Context): Promise<readonly AlertKey[]> {
  const { store, projectId, sinks, alertPlan } = context
  const { groupQuietMs, groupCallsMin } = limits
  await store.groups.close(projectId, { quietMs: groupQuietMs, callsMin: groupCallsMin })
  if (sinks.size === 0) return []
  await store.alerts.raise(projectId, alertPlan)
  return store.alerts.due(projectId)
}
