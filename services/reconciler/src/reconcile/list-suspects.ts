import {
  type ComparisonCounts,
  compareRecords,
  type FingerprintedRecord,
  ListingError,
  type RecordSource,
} from '@syncproof/core/comparison'
import type { Report } from '@syncproof/store'
import { type Context, messageOf } from '../context.ts'
import { limits } from '../limits.ts'
import { type Sides, stateOf } from './read-record.ts'
import type { Candidate } from './recheck-candidates.ts'

/** One try of a report, by the worker that has claimed it. */
export interface Run {
  readonly report: Report
  readonly fence: number
}

export interface ListedSuspects {
  readonly candidates: readonly Candidate[]
  /** Suspects past the bound: they stay undecided. */
  readonly overflow: number
  readonly counts: ComparisonCounts
}

/** A listing that broke off, with what had been read until then. */
export class BrokenListingError extends Error {
  override readonly name = 'BrokenListingError'
  readonly listing: ListingError
  readonly counts: ComparisonCounts

  constructor(listing: ListingError, counts: ComparisonCounts) {
    super(listing.message, { cause: listing })
    this.listing = listing
    this.counts = counts
  }
}

/** Reads both sides once, in key order, in bounded memory. A side that cannot list in key order is staged in
 *  the store first, and so are both where ids are hashed.
 *  @throws BrokenListingError where a listing cannot be trusted to be whole */
export async function listSuspects(
  context: Context,
  run: Run,
  sides: Sides,
  graceMs: number,
  signal: AbortSignal,
): Promise<ListedSuspects> {
  let counts: () => ComparisonCounts = () => ({ source: 0, target: 0, agreed: 0, suspects: 0 })
  try {
    const { source, target } = await inKeyOrder(context, run, sides, signal)
    const comparison = compareRecords(source, target)
    counts = comparison.counts
    const candidates: Candidate[] = []
    for await (const suspects of comparison.suspects) {
      signal.throwIfAborted()
      const nowMs = Date.now()
      for (const { key, kind, fields, source: state } of suspects) {
        if (candidates.length >= limits.suspectsMax) break
        const sourceState = stateOf(state)
        const seen = { sourceState, sinceMs: nowMs }
        candidates.push({ key, kind, fields, tries: 0, failures: 0, dueMs: nowMs + graceMs, seen })
      }
    }
    const total = counts()
    return { candidates, overflow: total.suspects - candidates.length, counts: total }
  } catch (error) {
    if (error instanceof ListingError) throw new BrokenListingError(error, counts())
    throw error
  } finally {
    await clearStages(context, run).catch((error: unknown) => {
      context.log(`what ${run.report.id} had staged could not be removed: ${messageOf(error)}`)
    })
  }
}

/** Removes what a try of a run has staged. */
export async function clearStages(context: Context, run: Run): Promise<void> {
  for (const side of SIDES) await context.store.reports.clearStage(stageId(run, side))
}

const SIDES = ['source', 'target'] as const

/** Each try has stages of its own: the worker before it may not have noticed yet that it lost the run. */
function stageId({ report, fence }: Run, side: (typeof SIDES)[number]): string {
  return `${report.id}/${fence}/${side}`
}

type Batches = AsyncIterable<readonly FingerprintedRecord[]>

async function inKeyOrder(
  context: Context,
  run: Run,
  { source, target, fingerprint, hashed }: Sides,
  signal: AbortSignal,
): Promise<{ readonly source: Batches; readonly target: Batches }> {
  const { reports } = context.store
  const ordered = async (side: RecordSource, name: (typeof SIDES)[number]): Promise<Batches> => {
    const counted = { records: 0 }
    const listed = fingerprinted(side, fingerprint, signal, counted)
    // hashes come in another order than keys
    if (side.ordered && !hashed) return listed
    const stage = stageId(run, name)
    const staged = await reports.stage(stage, listed)
    if (side.ordered && staged < counted.records) {
      throw new ListingError('duplicate_key', `The ${name} lists one key twice. Name a key that is unique.`)
    }
    return reports.staged(stage, limits.stageBatch)
  }
  // the target first: what is written meanwhile is then in the source, whose state a suspect is held against
  const inOrder = await ordered(target, 'target')
  return { source: await ordered(source, 'source'), target: inOrder }
}

async function* fingerprinted(
  side: RecordSource,
  fingerprint: Sides['fingerprint'],
  signal: AbortSignal,
  counted: { records: number },
): AsyncGenerator<readonly FingerprintedRecord[]> {
  for await (const { records: batch } of side.list(signal)) {
    signal.throwIfAborted()
    counted.records += batch.length
    yield batch.map(fingerprint)
  }
}
