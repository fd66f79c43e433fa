import type { Comparison, ComparisonCounts, Judge, Suspect } from './compare.ts'
import type { DigestPlan } from './compare-sides.ts'
import type { DigestGroup, DigestGroups, DigestView } from './digests.ts'
import { cutRange, type KeyRange } from './key-range.ts'
import type { SourceRecord } from './record-source.ts'

/** Small enough that one difference makes few records to be looked at, large enough that digests are less than a hundredth
 *  of what they stand for. */
const GROUP_RECORDS = 128
const GROUPS_AT_ONCE = 128
/** The target may have far more records in a range than the source; so many are not looked at in one piece. */
const RANGE_RECORDS_MAX = 64 * GROUP_RECORDS
/** Keys in memory at a time, of both sides. */
const LOOKS_RECORDS_MAX = 32_768
const READ_AT_ONCE = 1_000
/** After so many records digests must have spared at least half of them, or the rest is read record by record. */
const TRIED_RECORDS = 50_000
/** A part that is not worth a lane of its own. */
const LANE_RECORDS_MIN = 50_000

export interface DigestComparison extends DigestPlan {
  readonly judge: Judge<SourceRecord>
  /** Compares a part of the range record by record. */
  readonly byRecords: (part: KeyRange) => Comparison<SourceRecord>
}

type Found = readonly Suspect<SourceRecord>[]

/** Compares by digests over groups of neighbouring records: the source says where its groups begin, the target hashes
 *  the same ranges. Of groups that differ each record's own digest is compared, and only records that differ are read.
 *  Ranges hold every key, so a record that is on one side alone is in one of them. Where nearly everything differs the
 *  rest is compared record by record. `suspects` come in no order. */
export function compareDigests(plan: DigestComparison, signal: AbortSignal): Comparison<SourceRecord> {
  const counts = { source: 0, target: 0, agreed: 0, suspects: 0 }
  async function* suspects(): AsyncGenerator<Found> {
    const views: DigestView[] = []
    try {
      const open = async (offer: DigestPlan['source']) => {
        const view = await offer.open(plan.range, plan.fields, signal)
        views.push(view)
        return view
      }
      const [source, target] = await Promise.all([open(plan.source), open(plan.target)])
      const parts = await cutForLanes(plan.range, source, target)
      const lanes = parts.map((part) => new Lane(plan, source, target, counts).suspects(part))
      for await (const found of merged(lanes)) {
        signal.throwIfAborted()
        counts.suspects += found.length
        if (found.length > 0) yield found
      }
    } finally {
      await Promise.allSettled(views.map((view) => view.close()))
    }
  }
  return { suspects: suspects(), counts: () => ({ ...counts }) }
}

async function cutForLanes(
  range: KeyRange,
  source: DigestView,
  target: DigestView,
): Promise<readonly KeyRange[]> {
  const lanes = Math.min(source.lanes, target.lanes)
  return lanes > 1 ? cutRange(range, await source.boundaries(range, lanes, LANE_RECORDS_MIN)) : [range]
}

/** Compares one part of the range, from its first key to its last. */
class Lane {
  readonly #plan: DigestComparison
  readonly #source: DigestView
  readonly #target: DigestView
  readonly #counts: Record<keyof ComparisonCounts, number>
  #seen = 0
  #lookedAt = 0

  constructor(
    plan: DigestComparison,
    source: DigestView,
    target: DigestView,
    counts: Record<keyof ComparisonCounts, number>,
  ) {
    this.#plan = plan
    this.#source = source
    this.#target = target
    this.#counts = counts
  }

  async *suspects(part: KeyRange): AsyncGenerator<Found> {
    let rest: KeyRange | undefined = part
    let asked = this.#groups(part)
    while (rest) {
      if (this.#seen > TRIED_RECORDS && this.#lookedAt > this.#seen / 2) {
        await asked
        yield* this.#byRecords(rest)
        return
      }
      const { groups, next }: DigestGroups = await asked
      const chunk: KeyRange = { ...rest, to: next ?? rest.to }
      rest = next === undefined ? undefined : { ...rest, from: next }
      // the source hashes what comes next while the target hashes this
      if (rest) asked = this.#groups(rest)
      asked.catch(ignore)
      yield* this.#compare(groups, chunk)
    }
  }

  #groups(range: KeyRange): Promise<DigestGroups> {
    return this.#source.groups(range, GROUP_RECORDS, GROUPS_AT_ONCE)
  }

  async *#compare(groups: readonly DigestGroup[], chunk: KeyRange): AsyncGenerator<Found> {
    // the first range begins where the chunk does: the target may have keys before the source's first
    const ranges = cutRange(
      chunk,
      groups.slice(1).map(({ from }) => from),
    )
    const theirs = await this.#target.ranges(ranges)
    let looks: KeyRange[] = []
    let records = 0
    for (const [at, range] of ranges.entries()) {
      const ours = groups[at] ?? { records: 0, digest: '' }
      const their = theirs[at] ?? { records: 0, digest: undefined }
      this.#seen += ours.records
      const isSame =
        ours.records === their.records && (ours.records === 0 || isSameDigest(ours.digest, their.digest))
      if (!isSame && their.records > RANGE_RECORDS_MAX) {
        yield* this.#byRecords(range)
        continue
      }
      this.#counts.source += ours.records
      this.#counts.target += their.records
      if (isSame) {
        this.#counts.agreed += ours.records
        continue
      }
      looks.push(range)
      records += ours.records + their.records
      if (records < LOOKS_RECORDS_MAX) continue
      yield await this.#lookAt(looks)
      looks = []
      records = 0
    }
    if (looks.length > 0) yield await this.#lookAt(looks)
  }

  async #lookAt(ranges: readonly KeyRange[]): Promise<Found> {
    const [ours, theirs] = await Promise.all([this.#source.records(ranges), this.#target.records(ranges)])
    const open = new Map(theirs.map(({ key, digest }) => [key, digest]))
    const unlike: string[] = []
    for (const { key, digest } of ours) {
      if (open.has(key) && isSameDigest(digest, open.get(key))) this.#counts.agreed += 1
      else unlike.push(key)
      open.delete(key)
    }
    unlike.push(...open.keys())
    this.#lookedAt += ours.length
    const found: Suspect<SourceRecord>[] = []
    for (let at = 0; at < unlike.length; at += READ_AT_ONCE) {
      found.push(...(await this.#read(unlike.slice(at, at + READ_AT_ONCE))))
    }
    return found
  }

  async #read(keys: readonly string[]): Promise<Found> {
    const [ours, theirs] = await Promise.all([this.#source.read(keys), this.#target.read(keys)])
    const sources = new Map(ours.map((record) => [record.key, record]))
    const targets = new Map(theirs.map((record) => [record.key, record]))
    return keys.flatMap((key) => {
      const source = sources.get(key)
      const target = targets.get(key)
      const difference = this.#plan.judge(source, target)
      if (difference) return [{ ...difference, source, target }]
      this.#counts.agreed += 1
      return []
    })
  }

  async *#byRecords(range: KeyRange): AsyncGenerator<Found> {
    const comparison = this.#plan.byRecords(range)
    yield* comparison.suspects
    const { source, target, agreed } = comparison.counts()
    this.#counts.source += source
    this.#counts.target += target
    this.#counts.agreed += agreed
  }
}

/** A digest that says nothing is like no other. */
function isSameDigest(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one === other
}

function ignore(): void {}

/** Of several sequences whatever comes first. */
async function* merged<T>(sequences: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const next = (sequence: AsyncGenerator<T>) => sequence.next().then((step) => ({ sequence, step }))
  const waiting = new Map(sequences.map((sequence) => [sequence, next(sequence)]))
  try {
    while (waiting.size > 0) {
      const { sequence, step } = await Promise.race(waiting.values())
      if (step.done) {
        waiting.delete(sequence)
        continue
      }
      waiting.set(sequence, next(sequence))
      yield step.value
    }
  } finally {
    for (const pending of waiting.values()) pending.catch(ignore)
    await Promise.allSettled(sequences.map((sequence) => sequence.return(undefined)))
  }
}
