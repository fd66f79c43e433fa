import type { CallPlan } from '../plan/call.ts'
import type { Row, Values } from '../world/row.ts'

/** What a call sets, from what it read and what its caller gave it. */
export function changeOf({ change, updates, key }: CallPlan, existing: Row): Values {
  switch (change) {
    case 'spread_merge':
      return { ...existing, ...updates }
    case 'supplied':
      return updates
    case 'derived':
      return { owner: `${key} after ${(existing.owner ?? '').slice(0, 12)}` }
    case 'toggle':
      return { stage: existing.stage === 'A' ? 'B' : 'A' }
    case 'counter':
      return { score: existing.score + 1 }
    case 'increment':
      return {}
  }
}

/** What is sent of a row as this call leaves it. */
export function payloadOf(existing: Row, set: Values): Values {
  const { updated_by: _, ...known } = { ...existing, ...set }
  return known
}
