import {
  type Comparison,
  type ComparisonCounts,
  compareRecords,
  compareSides,
  type FingerprintedRecord,
  judgeFingerprints,
  ListingError,
  type RecordSource,
  type SourceRecord,
} from '@syncproof/core/comparison'
import type { ClaimedSegment, Segment, SegmentResult, Side, StoredSuspect } from '@syncproof/store'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'
import { type Sides, stateOf } from './read-record.ts'
import { Stager } from './stage-side.ts'

const NOTHING: ComparisonCounts = { source: 0, target: 0, agreed: 0, suspects: 0 }

/** Compares the records of one segment, in bounded memory. */
export class SegmentComparison {
  readonly #sides: Sides
  readonly #claimed: ClaimedSegment & { readonly segment: Segment }
  readonly #stager: Stager
  #counts: () => ComparisonCounts = () => NOTHING

  constructor(context: Context, sides: Sides, claimed: ClaimedSegment & { readonly segment: Segment }) {
    this.#sides = sides
    this.#claimed = claimed
    this.#stager = new Stager(context, claimed, sides)
  }

  /** How many records have been read so far. */
  progress(): { readonly source: number; readonly target: number } {
    const { source, target } = this.#counts()
    const { listed } = this.#stager
    return { source: Math.max(source, listed.source), target: Math.max(target, listed.target) }
  }

  /** A listing that cannot be trusted to be whole is a result too: with what had been read until then.
   *  @throws the signal's reason where it is aborted */
  async run(signal: AbortSignal): Promise<SegmentResult> {
    const before = requestsOf(this.#sides)
    const suspects: StoredSuspect[] = []
    let problem: SegmentResult['problem'] = null
    try {
      await this.#compare(suspects, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof ListingError)) throw error
      problem = { code: error.code, detail: error.detail }
    }
    const counts = { ...this.#counts(), ...(problem ? this.progress() : {}) }
    return {
      counts,
      suspects,
      overflow: counts.suspects - suspects.length,
      requests: requestsOf(this.#sides) - before,
      problem,
    }
  }

  async #compare(kept: StoredSuspect[], signal: AbortSignal): Promise<void> {
    const { source, target, hashed, rules, fingerprint } = this.#sides
    // hashes come in another order than keys
    if (source.ordered && target.ordered && !hashed) {
      const range = this.#claimed.segment.range ?? undefined
      const comparison = compareSides(source, target, rules, range, signal)
      await this.#keep(comparison, kept, (record: SourceRecord) => fingerprint(record), signal)
      return
    }
    const inOrder = (side: Side) =>
      this.#sides[side].ordered && !hashed
        ? this.#fingerprinted(this.#sides[side], signal)
        : this.#stager.inOrder(side, signal)
    // the target first: what is written meanwhile is then in the source, whose state a suspect is held against
    const theirs = await inOrder('target')
    const comparison = compareRecords(await inOrder('source'), theirs, judgeFingerprints)
    await this.#keep(comparison, kept, (record: FingerprintedRecord) => record, signal)
  }

  async #keep<T extends SourceRecord | FingerprintedRecord>(
    comparison: Comparison<T>,
    kept: StoredSuspect[],
    fingerprinted: (record: T) => FingerprintedRecord,
    signal: AbortSignal,
  ): Promise<void> {
    this.#counts = comparison.counts
    for await (const suspects of comparison.suspects) {
      signal.throwIfAborted()
      const seen_at = new Date().toISOString()
      for (const { key, kind, fields, source } of suspects) {
        if (kept.length >= limits.suspectsMax) break
        const source_state = stateOf(source && fingerprinted(source))
        kept.push({ key, kind, fields, source_state, seen_at })
      }
    }
  }

  async *#fingerprinted(
    side: RecordSource,
    signal: AbortSignal,
  ): AsyncGenerator<readonly FingerprintedRecord[]> {
    for await (const { records } of side.list(signal)) {
      signal.throwIfAborted()
      yield records.map(this.#sides.fingerprint)
    }
  }
}

export function requestsOf({ source, target }: Pick<Sides, 'source' | 'target'>): number {
  return source.requests() + target.requests()
}
