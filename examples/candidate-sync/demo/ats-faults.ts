import { createRandom } from './random.ts'

/** What the proxy does with a request to the ATS:
 *  `reject` answers 422 and does not forward; `lose-request` cuts the connection and does not forward;
 *  `lose-reply` forwards and then cuts the connection; `late` forwards after the client has given up. */
export type FaultKind = 'none' | 'reject' | 'lose-request' | 'lose-reply' | 'late'

export interface FaultPlan {
  readonly kind: FaultKind
  /** Waited before the request is forwarded: requests overtake each other here. */
  readonly delayBeforeMs: number
  /** Waited before the answer is passed on. */
  readonly delayAfterMs: number
}

/** Share of requests that meet each fault; the rest only meet latency. */
const SHARES: readonly (readonly [FaultKind, number])[] = [
  ['reject', 0.04],
  ['lose-request', 0.03],
  ['lose-reply', 0.03],
  ['late', 0.005],
]

const LATENCY_MS_MAX = 40
const SLOW_SHARE = 0.05
const SLOW_MS_MAX = 200

/** What happens to a request, decided by seed and request id alone, so that the order of arrival changes nothing.
 *  @param lateMs longer than the client waits */
export function planFault(seed: string, requestId: string, lateMs: number): FaultPlan {
  const random = createRandom(`fault ${seed} ${requestId}`)
  const kind = pickKind(random.next())
  const slowest = random.chance(SLOW_SHARE) ? SLOW_MS_MAX : LATENCY_MS_MAX
  const delayBeforeMs = kind === 'late' ? lateMs : random.below(slowest)
  return { kind, delayBeforeMs, delayAfterMs: random.below(LATENCY_MS_MAX) }
}

function pickKind(at: number): FaultKind {
  let upTo = 0
  for (const [kind, share] of SHARES) {
    upTo += share
    if (at < upTo) return kind
  }
  return 'none'
}
