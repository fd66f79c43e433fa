import type { Context } from '../context.ts'
import { limits } from '../limits.ts'

/** Ends groups of findings that are over, and decides what sinks are to hear of those that have changed. */
export async function raise(context: Context): Promise<void> {
  const { store, projectId, sinks, alertPlan } = context
  const { groupQuietMs, groupCallsMin } = limits
  await store.groups.close(projectId, { quietMs: groupQuietMs, callsMin: groupCallsMin })
  if (sinks.size > 0) await store.alerts.raise(projectId, alertPlan)
}
