import { setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { judgeArrivals } from '../../core/detection/testing/assemble.ts'
import { chaos, generated } from '../../core/detection/testing/generated.ts'
import { expectedOf, type WrongVerdict, wrongVerdicts } from '../../core/detection/testing/oracle.ts'
import { createRandom } from '../../core/detection/testing/random.ts'

/** Simulated operations against the truth, as many as asked for: `npm run truth:generated -- --operations 10000000`.
 *
 *  Each run is judged twice: with all of its events, where every claim must be true and nothing may be missed, and after
 *  chaos (events lost, doubled, shuffled, in batches), where every claim must be true and nothing proven may be taken
 *  back. Prints what happened of each kind, and exits 1 at the first wrong verdict, with the seed that shows it again. */
const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '200000' },
    seed: { type: 'string', default: '1' },
  },
})
const OPERATIONS = Number(values.operations)
const SEED = Number(values.seed)
/** Runs that share a seed, so that a failure is seen again at once. */
const RUNS_A_SEED = 1_000
const PROGRESS_SEEDS = 100

interface Tally {
  operations: number
  events: number
  /** With what has come through the chaos. */
  arrived: number
  /** What happened and has to be claimed, by verdict and kind. */
  readonly happened: Map<string, number>
  /** What was still claimed after the chaos. */
  readonly claimed: Map<string, number>
}

// whoever else works on this machine goes first
setPriority(19)

const tally: Tally = { operations: 0, events: 0, arrived: 0, happened: new Map(), claimed: new Map() }
const startMs = performance.now()
for (let seed = SEED; tally.operations < OPERATIONS; seed++) {
  const random = createRandom(seed)
  for (let run = 0; run < RUNS_A_SEED; run++) {
    const wrong = judgeOne(random, tally)
    if (wrong.length === 0) continue
    write(`wrong in run ${run} of seed ${seed}: ${JSON.stringify(wrong)}`)
    process.exit(1)
  }
  if ((seed - SEED + 1) % PROGRESS_SEEDS === 0) write(rateOf(tally))
}
write(rateOf(tally))
write('verdict kind: happened, still claimed after the chaos')
for (const [kind, count] of [...tally.happened].sort())
  write(`${kind}: ${count}, ${tally.claimed.get(kind) ?? 0}`)
write('false claims: 0; missed: 0; retracted: 0')

function judgeOne(random: ReturnType<typeof createRandom>, sum: Tally): readonly WrongVerdict[] {
  const simulation = generated(random)
  const expected = expectedOf(simulation)
  const all = judgeArrivals([simulation.events], { looks: true })
  const batches = chaos(random, simulation.events)
  const some = judgeArrivals(batches, { looks: true })
  sum.operations += simulation.programs.length
  sum.events += simulation.events.length
  sum.arrived += new Set(batches.flat().map(({ id }) => id)).size
  count(sum.happened, expected.must)
  const claims = new Set(expected.must)
  const missed = wrongVerdicts(some.findings.values(), expected, { whole: true })
  for (const { how, claim } of missed) if (how === 'miss') claims.delete(claim)
  count(sum.claimed, claims)
  return [
    ...wrongVerdicts(all.findings.values(), expected, { whole: true }),
    ...missed.filter(({ how }) => how === 'false'),
    ...some.retracted.map((id): WrongVerdict => ({ how: 'false', claim: `retracted ${id}` })),
  ]
}

function count(kinds: Map<string, number>, claims: Iterable<string>): void {
  for (const claim of claims) {
    const kind = claim.split(' ', 2).join(' ')
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
}

function rateOf({ operations, events, arrived }: Tally): string {
  const seconds = (performance.now() - startMs) / 1_000
  const share = ((arrived / events) * 100).toFixed(1)
  return `${operations} operations, ${events} events, ${share} % of them left by the chaos, ${Math.round(operations / seconds)} operations/s`
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}
