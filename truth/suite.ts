import { asSent, befallen, CHAOS, shuffled, type Telemetry } from './chaos.ts'
import { type CallOf, callsOf, claimsOf } from './judge/claims.ts'
import { type Truth, truthOf } from './oracle/truth.ts'
import { createRandom, type Random } from './plan/random.ts'
import { planGroup } from './plan/round.ts'
import { Scores } from './score.ts'
import { type Round, Stage } from './world/stage.ts'

export interface SuiteOptions {
  /** Of an empty database on a server with `wal_level = logical`. */
  readonly database: string
  readonly seed: number
  /** Calls at least; a round is always made whole. */
  readonly operations: number
  /** Of the app. Default: 2. */
  readonly processes?: number
  /** Rows are shared by groups of calls; so many groups are a round. Default: 500. */
  readonly groupsPerRound?: number
  /** How many of the kinds of chaos the events of each round go through. Default: 2. */
  readonly chaosPerRound?: number
  /** That a call's process kills itself in it; in every other round, so that others end their processes whole. Default:
   *  0.002. */
  readonly crashes?: number
  /** Ends it after the round that is under way. */
  readonly signal?: AbortSignal
  /** Told after each round.
   *  @param failed the round, where something in it was missed or proven falsely */
  readonly onRound?: (results: Results, failed: Round | undefined) => void
}

export interface Results {
  operations: number
  rounds: number
  events: number
  /** By what befell the events. */
  readonly scores: Map<string, Scores>
  /** Proven once, and no longer when more events had come. */
  retractions: number
  /** Shares of calls, by what they are. */
  readonly classes: Map<string, number>
  /** Errors that no plan provokes: defects of the suite. */
  readonly unforeseen: string[]
}

/** Makes rounds of calls, and compares what is claimed of each with what happened. */
export async function runSuite(options: SuiteOptions): Promise<Results> {
  const { database, seed, operations, processes = 2, groupsPerRound = 500 } = options
  const { chaosPerRound = 2, crashes = 0.002 } = options
  const results: Results = {
    operations: 0,
    rounds: 0,
    events: 0,
    scores: new Map(),
    retractions: 0,
    classes: new Map(),
    unforeseen: [],
  }
  const stage = await Stage.open(database, processes)
  try {
    while (results.operations < operations && !options.signal?.aborted) {
      const name = `r${results.rounds}`
      // each of its own: how much chaos is drawn depends on how many events there were
      const [random, chaos] = [
        createRandom(seed + results.rounds * 2),
        createRandom(seed + results.rounds * 2 + 1),
      ]
      const mix = { callsMax: 6, crashes: results.rounds % 2 === 1 ? crashes : 0 }
      const groups = Array.from({ length: groupsPerRound }, (_, index) =>
        planGroup(random, `${name}g${index}`, mix),
      )
      const round = await stage.play(groups)
      const before = failures(results)
      judgeRound(round, chaos, chaosPerRound, results)
      options.onRound?.(results, failures(results) > before ? round : undefined)
    }
  } finally {
    await stage.close()
  }
  return results
}

/** What was false, and what was missed although it was all there. */
function failures({ scores }: Results): number {
  let count = 0
  for (const [name, { byKind }] of scores)
    for (const score of byKind.values())
      count += score.false + (name === 'all there' ? score.happened - score.found : 0)
  return count
}

function judgeRound(round: Round, random: Random, chaosPerRound: number, results: Results): void {
  const truth = truthOf(round)
  results.rounds += 1
  results.operations += round.plans.size
  results.events += round.events.length
  for (const { shape, guard, change } of round.plans.values()) {
    const name = shape === 'plain' ? `${change}, ${guard}` : shape
    results.classes.set(name, (results.classes.get(name) ?? 0) + 1)
  }
  for (const line of round.diaries.flat())
    if (line.what === 'unforeseen') results.unforeseen.push(`${line.call}: ${line.error}`)
  const callOf = callsOf(round.events)
  const whole = score(asSent(round), truth, callOf, results)
  for (const chaos of shuffled(CHAOS, random).slice(0, chaosPerRound)) {
    const some = score(befallen(round, chaos, random), truth, callOf, results)
    // the rest of the events comes: what was proven stands
    if (chaos !== 'clocks 5 s apart')
      results.retractions += [...some].filter(([id, kind]) => whole.get(id) !== kind).length
  }
}

/** @returns what was proven, by id */
function score(
  { name, events, processes, whole }: Telemetry,
  truth: Truth,
  callOf: CallOf,
  results: Results,
): ReadonlyMap<string, string> {
  const scores = results.scores.get(name) ?? new Scores()
  results.scores.set(name, scores)
  const claims = claimsOf(events, processes, callOf, whole)
  scores.add(truth, claims)
  return claims.proven
}
