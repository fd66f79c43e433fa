import {
  judge,
  type ListingError,
  type RecheckReads,
  recheck,
  type SuspectKind,
} from '@syncproof/core/comparison'
import { entityKey, type Observation } from '@syncproof/core/contract'
import { type Context, pause } from '../context.ts'
import { limits } from '../limits.ts'
import { entityOf, type Pair } from '../pairs.ts'
import {
  isListingError,
  NoReadByKeyError,
  type Reading,
  readRecord,
  type Sides,
  stateOf,
} from './read-record.ts'

/** A record that is read again by its key until it is decided. */
export interface Candidate {
  readonly key: string
  /** How the sides differed when they were last seen; a guess before the first look. */
  readonly kind: SuspectKind
  readonly fields: readonly string[]
  /** Tries made. */
  readonly tries: number
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

interface Sandwich {
  readonly startedMs: number
  readonly endedMs: number
  readonly before: Reading
  readonly target: Reading
  readonly after: Reading
}

type Look =
  | { readonly candidate: Candidate; readonly sandwich: Sandwich }
  | { readonly candidate: Candidate; readonly error: Error }

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
      for (const outcome of await decideBatch(context, pair, sides, batch, signal)) {
        if ('again' in outcome) next.push(outcome.again)
        else {
          found.source += outcome.found.source
          found.target += outcome.found.target
          if ('diverging' in outcome) diverging.push(outcome.diverging)
          else if ('undecided' in outcome) undecided.push(outcome.undecided)
          else agreed.set(outcome.agreed, outcome.startedMs)
        }
      }
    }
    round = next
  }
  return { diverging, undecided, agreed, found }
}

type Decided = { readonly found: { readonly source: number; readonly target: number } } & (
  | { readonly diverging: Diverging }
  | { readonly undecided: Undecided }
  | { readonly agreed: string; readonly startedMs: number }
)
type Outcome = Decided | { readonly again: Candidate }

async function decideBatch(
  context: Context,
  pair: Pair,
  sides: Sides,
  batch: readonly Candidate[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const looks = await inParallel(batch, limits.recheckConcurrency, (candidate) =>
    look(sides, candidate, signal),
  )
  signal.throwIfAborted()
  // asked after the reads: an operation that began before them has had that long to be reported
  const busy = await context.store.operations.busy(
    context.projectId,
    looks.map(({ candidate }) => entityOf(pair, candidate.key)),
    { activeSinceMs: Date.now() - pair.graceMs, silentMsMax: limits.silentProcessMs },
  )
  return looks.map((seen) => {
    if ('error' in seen) return failed(seen.candidate, seen.error)
    return decide(
      pair,
      seen.candidate,
      seen.sandwich,
      busy.has(entityKey(entityOf(pair, seen.candidate.key))),
    )
  })
}

async function look(sides: Sides, candidate: Candidate, signal: AbortSignal): Promise<Look> {
  const read = (side: 'source' | 'target') =>
    readRecord(sides[side], sides.fingerprint, candidate.key, signal)
  try {
    const startedMs = Date.now()
    const before = await read('source')
    const target = await read('target')
    const after = await read('source')
    return { candidate, sandwich: { startedMs, before, target, after, endedMs: Date.now() } }
  } catch (error) {
    if (error instanceof NoReadByKeyError || isListingError(error)) return { candidate, error }
    throw error
  }
}

function decide(pair: Pair, candidate: Candidate, sandwich: Sandwich, busy: boolean): Outcome {
  const { key } = candidate
  const { before, target, after, startedMs, endedMs } = sandwich
  const reads: RecheckReads = {
    sourceBefore: before.record,
    target: target.record,
    sourceAfter: after.record,
    busy,
  }
  const said = recheck(reads)
  const found = { source: after.record ? 1 : 0, target: target.record ? 1 : 0 }
  if (said.verdict === 'agree') return { agreed: key, startedMs, found }

  const sourceState = stateOf(after.record)
  const stood = candidate.seen?.sourceState === sourceState
  const seen = stood && candidate.seen ? candidate.seen : { sourceState, sinceMs: endedMs }
  const tries = candidate.tries + 1
  if (said.verdict === 'observed' && stood && startedMs - seen.sinceMs >= pair.graceMs) {
    const { kind, fields } = said
    return { diverging: { key, kind, fields, source: after.observation, target: target.observation }, found }
  }
  const reason =
    said.verdict === 'again' ? said.reason : 'The record has not stood still for the grace period.'
  const { kind, fields } = judge(after.record, target.record) ?? candidate
  if (tries >= limits.recheckTriesMax) return { undecided: { key, kind, fields, reason }, found }
  return { again: { key, kind, fields, tries, dueMs: Date.now() + backoffMs(pair, tries), seen } }
}

function failed(candidate: Candidate, error: Error): Outcome {
  const tries = candidate.tries + 1
  const reason = isListingError(error) ? `A read failed: ${error.message}` : error.message
  const problem = isListingError(error) ? error : undefined
  if (!problem || tries >= limits.recheckTriesMax) {
    const { key, kind, fields } = candidate
    return { undecided: { key, kind, fields, reason, problem }, found: { source: 0, target: 0 } }
  }
  return { again: { ...candidate, tries, dueMs: Date.now() + limits.recheckPauseMs * 2 ** tries } }
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
): Promise<readonly R[]> {
  const results: R[] = new Array(items.length)
  const queue = items.entries()
  const lane = async () => {
    for (const [index, item] of queue) results[index] = await run(item)
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return results
}
