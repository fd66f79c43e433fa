import { type ListingError, recheck, type SuspectKind } from '@syncproof/core/comparison'
import { entityKey, type Observation } from '@syncproof/core/contract'
import { type Context, pause } from '../context.ts'
import { limits } from '../limits.ts'
import { entityOf, type Pair } from '../pairs.ts'
import { type Look, Looker, type Sandwich } from './look.ts'
import { isListingError, type Sides, stateOf } from './read-record.ts'

/** A record that is read again by its key until it is decided. */
export interface Candidate {
  readonly key: string
  /** How the sides differed when they were last seen; a guess before the first look. */
  readonly kind: SuspectKind
  readonly fields: readonly string[]
  /** Looks taken that did not decide it. */
  readonly tries: number
  /** Looks that failed. */
  readonly failures: number
  /** Not read before. */
  readonly dueMs: number
  /** The state of the source with which the target was first seen to differ, and since when it has stood;
   *  absent where the record has not been seen to differ. */
  readonly seen?: { readonly sourceState: string; readonly sinceMs: number } | undefined
}

export interface Diverging {
  readonly key: string
  readonly kind: SuspectKind
  readonly fields: readonly string[]
  readonly source: Observation
  readonly target: Observation
}

export interface Undecided {
  readonly key: string
  readonly kind: SuspectKind
  readonly fields: readonly string[]
  readonly reason: string
  /** Where the last try failed on a system's answer. */
  readonly problem?: ListingError | undefined
}

export interface RecheckResult {
  readonly diverging: readonly Diverging[]
  readonly undecided: readonly Undecided[]
  /** Key to the moment when its reads began, for records that agree. */
  readonly agreed: ReadonlyMap<string, number>
  /** Records that the last read found, by side. */
  readonly found: { readonly source: number; readonly target: number }
}

/** Reads each candidate by key: source, target, source again. A record diverges only when the same state of
 *  the source has stood against a differing target for the whole grace period and nothing is in flight:
 *  events of an operation may be late, a row that has just been written shows it by itself. What cannot be
 *  decided is read again with backoff, and after the last try it is undecided, with the reason.
 *  @throws the signal's reason where it is aborted */
export async function recheckCandidates(
  context: Context,
  pair: Pair,
  sides: Sides,
  candidates: readonly Candidate[],
  signal: AbortSignal,
): Promise<RecheckResult> {
  const looker = new Looker(sides, signal)
  const diverging: Diverging[] = []
  const undecided: Undecided[] = []
  const agreed = new Map<string, number>()
  const found = { source: 0, target: 0 }
  let round = [...candidates]
  while (round.length > 0) {
    round.sort((a, b) => a.dueMs - b.dueMs)
    const next: Candidate[] = []
    for (let at = 0; at < round.length; at += limits.recheckBatch) {
      const batch = round.slice(at, at + limits.recheckBatch)
      await pause((batch.at(-1)?.dueMs ?? 0) - Date.now(), signal)
      signal.throwIfAborted()
      for (const outcome of await decideBatch(context, pair, looker, batch)) {
        found.source += outcome.found?.source ?? 0
        found.target += outcome.found?.target ?? 0
        if ('again' in outcome) next.push(outcome.again)
        else if ('diverging' in outcome) diverging.push(outcome.diverging)
        else if ('undecided' in outcome) undecided.push(outcome.undecided)
        else agreed.set(outcome.agreed, outcome.startedMs)
      }
    }
    round = next
  }
  return { diverging, undecided, agreed, found }
}

type Outcome = { readonly found?: { readonly source: number; readonly target: number } } & (
  | { readonly again: Candidate }
  | { readonly diverging: Diverging }
  | { readonly undecided: Undecided }
  | { readonly agreed: string; readonly startedMs: number }
)

async function decideBatch(
  context: Context,
  pair: Pair,
  looker: Looker,
  batch: readonly Candidate[],
): Promise<readonly Outcome[]> {
  const looks = await inParallel(batch, limits.recheckConcurrency, ({ key }) => looker.look(key))
  // asked after the reads: an operation that began before them has had that long to be reported
  const busy = await context.store.operations.busy(
    context.projectId,
    batch.map(({ key }) => entityOf(pair, key)),
    { activeSinceMs: Date.now() - pair.graceMs, silentMsMax: limits.silentProcessMs },
  )
  return looks.map(([candidate, look]) => {
    if ('error' in look) return failed(candidate, look)
    return decide(pair, candidate, look.sandwich, busy.has(entityKey(entityOf(pair, candidate.key))))
  })
}

function decide(pair: Pair, candidate: Candidate, sandwich: Sandwich, busy: boolean): Outcome {
  const { key } = candidate
  const { before, target, after, difference, startedMs, endedMs } = sandwich
  const reads = { sourceBefore: before.record, sourceAfter: after.record, difference, busy }
  const said = recheck(reads)
  const found = { source: after.record ? 1 : 0, target: target.record ? 1 : 0 }
  if (said.verdict === 'agree') return { agreed: key, startedMs, found }

  const sourceState = stateOf(after.record)
  const stood = candidate.seen?.sourceState === sourceState
  const seen = stood && candidate.seen ? candidate.seen : { sourceState, sinceMs: endedMs }
  if (said.verdict === 'observed' && stood && startedMs - seen.sinceMs >= pair.graceMs) {
    const { kind, fields } = said
    return { diverging: { key, kind, fields, source: after.observation, target: target.observation }, found }
  }
  const { kind, fields } = difference ?? candidate
  const tries = candidate.tries + 1
  if (tries >= limits.recheckTriesMax) {
    const reason =
      said.verdict === 'again' ? said.reason : 'The record has not stood still for the grace period.'
    return { undecided: { key, kind, fields, reason }, found }
  }
  return { again: { ...candidate, kind, fields, tries, dueMs: Date.now() + backoffMs(pair, tries), seen } }
}

function failed(candidate: Candidate, { error, final }: Extract<Look, { readonly error: Error }>): Outcome {
  const failures = candidate.failures + 1
  if (!final && failures < limits.readFailuresMax) {
    return { again: { ...candidate, failures, dueMs: Date.now() + limits.recheckPauseMs } }
  }
  const { key, kind, fields } = candidate
  const problem = isListingError(error) ? error : undefined
  const reason = problem ? `A read failed: ${error.message}` : error.message
  return { undecided: { key, kind, fields, reason, problem } }
}

/** One grace period first, then longer, so that a record that is written all the time finds a quiet moment. */
function backoffMs(pair: Pair, tries: number): number {
  const grace = Math.max(pair.graceMs, limits.recheckPauseMs)
  return grace * Math.min(1.5 ** (tries - 1), limits.recheckBackoffMax)
}

async function inParallel<T, R>(
  items: readonly T[],
  concurrency: number,
  run: (item: T) => Promise<R>,
): Promise<readonly (readonly [T, R])[]> {
  const results: (readonly [T, R])[] = []
  const queue = items.values()
  const lane = async () => {
    for (const item of queue) results.push([item, await run(item)])
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return results
}
