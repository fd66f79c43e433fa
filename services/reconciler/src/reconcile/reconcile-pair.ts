import { ListingError, selfTest } from '@syncproof/core/comparison'
import { DIVERGENCE_KINDS, isHashedId } from '@syncproof/core/contract'
import type { Coverage, Report, ReportStore } from '@syncproof/store'
import type { Context } from '../context.ts'
import { limits } from '../limits.ts'
import { entityOf, type Pair } from '../pairs.ts'
import { requestsOf } from './compare-segment.ts'
import { divergenceOf, findingIdOf, findingOf, undecidedDivergence } from './divergence-findings.ts'
import { BrokenListingError, listSuspects, type Run } from './list-suspects.ts'
import { isNameOf, namedOtherwise } from './named-otherwise.ts'
import { closeSides, keyOf, openSides, type Sides } from './read-record.ts'
import {
  type Candidate,
  type Diverging,
  type RecheckResult,
  recheckCandidates,
} from './recheck-candidates.ts'
import { resolutionsOf } from './resolutions.ts'
import { watchedKeys } from './watched-keys.ts'

/** What a run publishes. */
export type Outcome = Parameters<ReportStore['finish']>[3]

type Problem = NonNullable<Report['problem']>

interface Counts {
  readonly source: number
  readonly target: number
  readonly agreed: number
  /** Records that were seen and could not be decided, beyond those that were rechecked. */
  readonly undecided: number
  /** Requests that were not sent through this run's own sides. */
  readonly elsewhere: number
}

const NOTHING_READ: Coverage = {
  source_records: 0,
  target_records: 0,
  compared: 0,
  indeterminate: 0,
  unread: null,
  requests: 0,
}

/** Compares a pair, whole or only the run's keys, and says what came out of it. Whatever kept it from
 *  seeing all makes the result `unknown`, with what was seen.
 *  @throws the signal's reason where it is aborted */
export async function reconcilePair(
  context: Context,
  pair: Pair,
  run: Run,
  signal: AbortSignal,
): Promise<Outcome> {
  const tested = await selfTest(context.fingerprintKey)
  const self_test = tested.passed ? 'passed' : 'failed'
  if (!tested.passed) {
    const detail = `The comparison did not see what was planted: ${tested.missed.join(', ')}. Report this as a bug.`
    return { ...unknownOutcome({ code: 'self_test_failed', detail }, NOTHING_READ), self_test }
  }
  try {
    const sides = await openSides(pair, context.fingerprintKey)
    try {
      return { ...(await compareSides(context, pair, run, sides, signal)), self_test }
    } finally {
      await closeSides(sides)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof ListingError) return { ...unknownOutcome(error, NOTHING_READ), self_test }
    throw error
  }
}

type Compared = Omit<Outcome, 'self_test'>

async function compareSides(
  context: Context,
  pair: Pair,
  run: Run,
  sides: Sides,
  signal: AbortSignal,
): Promise<Compared> {
  const { keys } = run.report
  const { hashed } = sides
  const baseline = keys === null ? await baselineOf(context, pair, sides) : NO_BASELINE
  if (keys !== null) {
    // somebody who has the id may ask by it; from findings come hashes
    const asked = hashed ? new Set(keys.map((key) => (isHashedId(key) ? key : hashed.note(key)))) : keys
    const result = await recheckCandidates(context, pair, sides, [...asked].map(unseen), signal)
    hashed?.keep(result.diverging.map(({ key }) => key))
    const counts = { ...result.found, agreed: result.agreed.size, undecided: 0, elsewhere: 0 }
    return publishable(context, pair, sides, result, counts, baseline)
  }
  try {
    const watched = await watchedKeys(context, pair)
    hashed?.want(watched)
    const listed = await listSuspects(context, run, sides, pair.graceMs, signal)
    // some were sent by other workers, or by those before this one
    const elsewhere = listed.requests - requestsOf(sides)
    const suspected = new Set(listed.candidates.map(({ key }) => key))
    await hashed?.find([...suspected], [sides.source, sides.target], signal)
    const others = [...watched].filter((name) => !suspected.has(name))
    // what neither listing shows, and is known by its hash alone, cannot be read: what is open on it stays open
    const readable = others.filter((name) => keyOf(sides, name) !== undefined)
    const candidates = [...readable.map(unseen), ...listed.candidates]
    const result = await recheckCandidates(context, pair, sides, candidates, signal)
    // for the next run, which may find the record on neither side
    hashed?.keepOnly(new Set([...watched, ...result.diverging.map(({ key }) => key)]))
    const { source, target, agreed } = listed.counts
    // watched records that agreed are counted by the listing, where they are on a side at all
    const settled = listed.candidates.filter(({ key }) => result.agreed.has(key)).length
    const counts = { source, target, agreed: agreed + settled, undecided: listed.overflow, elsewhere }
    const read = new Set(readable)
    const unread = others.filter((name) => !read.has(name))
    const isNamed = (name: string) => isNameOf(pair, sides.keyId, name)
    const unnamed = {
      unread: unread.filter(isNamed).length,
      // all others were decided: what was found under these names is found under the new ones
      renamed: listed.overflow + result.undecided.length === 0 ? unread.filter((name) => !isNamed(name)) : [],
      problem: await namedOtherwise(context, pair, sides.keyId),
    }
    return publishable(context, pair, sides, result, counts, baseline, unnamed)
  } catch (error) {
    if (error instanceof BrokenListingError) return brokenOutcome(error)
    throw error
  }
}

/** What a whole run could not look at because of how its records are called. */
interface Unnamed {
  /** Records of open findings that are known by their hashes alone. */
  readonly unread: number
  /** Names of open findings that no record of the pair has any more. */
  readonly renamed: readonly string[]
  readonly problem: Problem | undefined
}

const ALL_NAMED: Unnamed = { unread: 0, renamed: [], problem: undefined }

/** Whether a whole run shows what was there before anybody looked, by these rules. */
interface Baseline {
  readonly is: boolean
  /** The pair was compared before, by other rules. */
  readonly hasOtherRules: boolean
}

const NO_BASELINE: Baseline = { is: false, hasOtherRules: false }

async function baselineOf(context: Context, pair: Pair, { version }: Sides): Promise<Baseline> {
  const last = await context.store.reports.lastRules(context.projectId, pair.name)
  const hasOtherRules = typeof last === 'string' && last !== version
  return { is: last === undefined || hasOtherRules, hasOtherRules }
}

/** Findings of this pair about these records that are not over. */
async function openOnes(
  context: Context,
  pair: Pair,
  diverging: readonly Diverging[],
): Promise<ReadonlySet<unknown>> {
  const ids = new Set<string>()
  for (let at = 0; at < diverging.length; at += limits.pageSize) {
    const entities = diverging.slice(at, at + limits.pageSize).map(({ key }) => entityOf(pair, key))
    const open = await context.store.findings.openOf(context.projectId, DIVERGENCE_KINDS, entities)
    for (const { id } of open) ids.add(id)
  }
  return ids
}

/** A record that is read by its key without a listing having shown it. */
function unseen(key: string): Candidate {
  return { key, kind: 'field-mismatch', fields: [], tries: 0, failures: 0, dueMs: 0 }
}

async function publishable(
  context: Context,
  pair: Pair,
  sides: Sides,
  result: RecheckResult,
  counts: Counts,
  baseline: Baseline,
  unnamed = ALL_NAMED,
): Promise<Compared> {
  const indeterminate = result.undecided.length + counts.undecided
  const diverged = result.diverging.length
  const findings = []
  const known = baseline.is ? await openOnes(context, pair, result.diverging) : new Set()
  for (const diverging of result.diverging) {
    // what was found before is as grave as it was
    const isOld = baseline.is && !known.has(findingIdOf(pair, diverging))
    findings.push(await findingOf(context, pair, diverging, isOld))
  }
  return {
    result: diverged > 0 ? 'diverged' : indeterminate > 0 ? 'unknown' : 'clean',
    problem: indeterminate > 0 ? undecidedProblem(result, counts) : unnamedProblem(unnamed),
    coverage: {
      source_records: counts.source,
      target_records: counts.target,
      compared: counts.agreed + diverged,
      indeterminate,
      unread: 0,
      requests: requestsOf(sides) + counts.elsewhere,
    },
    divergences: [
      ...result.diverging.map((diverging) => divergenceOf(pair, diverging)),
      ...result.undecided.map(undecidedDivergence),
    ],
    findings,
    resolved: await resolutionsOf(context, pair, result, unnamed.renamed, baseline.hasOtherRules),
    rules: sides.version,
  }
}

function undecidedProblem(result: RecheckResult, counts: Counts): Problem {
  const failed = result.undecided.find(({ problem }) => problem)?.problem
  if (failed) return { code: failed.code, detail: failed.detail }
  if (counts.undecided > 0) {
    const detail = `${counts.undecided} records that seemed to differ were not read again: a run rechecks at most ${limits.suspectsMax}. Mend the others first, or check that key and fields of the pair are right.`
    return { code: 'too_many_suspects', detail }
  }
  const detail = `${result.undecided.length} records could not be decided; their divergences say why. Run the pair again.`
  return { code: 'indeterminate_records', detail }
}

/** Told of a run that decided all that it could read. */
function unnamedProblem({ unread, problem }: Unnamed): Problem | null {
  if (problem) return problem
  if (unread === 0) return null
  const detail = `${unread} records with open findings are known by the hashes of their ids alone, and neither system lists them: they were not read, and the findings stay open. Mute those of records that were deleted.`
  return { code: 'records_not_listed', detail }
}

function brokenOutcome({ problem, listed }: BrokenListingError): Compared {
  const { source, target, agreed, suspects } = listed.counts
  return unknownOutcome(problem, {
    source_records: source,
    target_records: target,
    compared: agreed,
    indeterminate: suspects,
    unread: null,
    requests: listed.requests,
  })
}

/** It says nothing of any record, so it ends no finding. */
export function unknownOutcome({ code, detail }: Problem, coverage: Coverage = NOTHING_READ): Compared {
  return {
    result: 'unknown',
    problem: { code, detail },
    coverage,
    divergences: [],
    findings: [],
    resolved: [],
    rules: null,
  }
}
