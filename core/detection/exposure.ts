import type { DetectedFinding, EntityRef } from '../contract/index.ts'

/** One call of a function that shows a hazard: on which entity, and when another call could have met it. */
export interface ExposedCall {
  readonly entity: EntityRef
  /** Milliseconds since 1970. */
  readonly fromMs: number
  readonly untilMs: number
}

/** What is known of all calls of a function that shows a hazard. */
export interface Exposure {
  readonly calls: number
  /** The sum over all entities of n × (n − 1), for n calls on one entity. */
  readonly orderedPairs: number
  readonly windowMsSum: number
  readonly firstMs: number
  readonly lastMs: number
}

const MONTH_MS = 30 * 24 * 60 * 60 * 1000

/** The call that a hazard was seen in; undefined for what is no hazard of a function. */
export function exposedCallOf({ verdict, details }: DetectedFinding): ExposedCall | undefined {
  const { entity_type: type, entity_id: id, window } = details
  if (verdict !== 'hazard' || typeof type !== 'string' || typeof id !== 'string') return undefined
  const { from, ms } = (window ?? {}) as { from?: string; ms?: number }
  const fromMs = Date.parse(from ?? '')
  if (!Number.isFinite(fromMs) || ms === undefined) return undefined
  return { entity: { type, id }, fromMs, untilMs: fromMs + ms }
}

/** Milliseconds between the end of one call's window and the start of the other's; 0 where they overlapped. */
export function missMs(a: ExposedCall, b: ExposedCall): number {
  return Math.max(0, a.fromMs - b.untilMs, b.fromMs - a.untilMs)
}

/** How many pairs of calls a month will have overlapping windows on one entity, if traffic goes on as it was.
 *
 *  Calls on one entity are taken to come independently of each other (Poisson) at a rate λ, each with a window of
 *  mean length w. A call is met by those that begin within its window, λ × w of them, so λ² × w pairs meet in a unit
 *  of time. λ² is estimated by n × (n − 1) / T² from n calls in the time T, which is right on average also where n is
 *  small. Over all entities:
 *
 *      collisions a month = Σ n (n − 1) × w / T² × 30 days
 *
 *  Bursts (a webhook sent twice, a double click) make it more.
 *  @returns undefined where the calls were all at one moment, so that no rate can be told */
export function collisionsAMonth({
  calls,
  orderedPairs,
  windowMsSum,
  firstMs,
  lastMs,
}: Exposure): number | undefined {
  const observedMs = lastMs - firstMs
  if (calls < 2 || observedMs <= 0) return undefined
  return ((orderedPairs * (windowMsSum / calls)) / observedMs ** 2) * MONTH_MS
}
