import { parseArgs } from 'node:util'
import type { Outcome } from './job.ts'
import { type Review, reviews } from './reviewed.ts'
import { allMutants } from './subjects.ts'
import { tryAll } from './try-all.ts'

/** Deletes each condition of the detectors in turn and says what that breaks: `npm run mutation`.
 *
 *  `--only TEXT`: those whose id contains it. `--every N`: every Nth of them. `--short`: the simulator only where the detectors' own cases do not show
 *  what is expected. `--list`: only what has no review, or whose review is of nothing. Exits 1 where something else is
 *  seen than `reviewed.tsv` says. */
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    short: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    every: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    simulations: { type: 'string', default: '1500' },
    processes: { type: 'string', default: '2' },
  },
})

const found = allMutants().map(({ id }) => id)
const reviewed = new Map(reviews().map((review) => [review.id, review]))
const unreviewed = found.filter((id) => !reviewed.has(id))
const stale = [...reviewed.keys()].filter((id) => !found.includes(id))
for (const id of unreviewed) write(`not reviewed: ${id}`)
for (const id of stale) write(`no such condition: ${id}`)
if (!values.list) await tryThem()
if (unreviewed.length + stale.length > 0) process.exitCode = 1

async function tryThem(): Promise<void> {
  const startMs = performance.now()
  const ids = found
    .filter((id) => id.includes(values.only))
    .filter((_, index) => index % Number(values.every) === 0)
  const { seed, simulations, short: isShort, processes } = values
  const job = { ids, seed: Number(seed), simulations: Number(simulations), isShort }
  const outcomes = await tryAll(job, Number(processes))
  const wrong = outcomes.filter((outcome) => !isAsReviewed(outcome, reviewed.get(outcome.id)))
  for (const { id, ...seen } of wrong) {
    write(
      `${reviewed.get(id)?.expected ?? '(not reviewed)'} was expected of ${id}; seen: ${JSON.stringify(seen)}`,
    )
  }
  if (wrong.length > 0) process.exitCode = 1
  const seconds = Math.round((performance.now() - startMs) / 1_000)
  write(`${outcomes.length} conditions deleted in ${seconds} s, ${wrong.length} not as reviewed`)
  for (const [expected, own] of Map.groupBy(outcomes, ({ id }) => reviewed.get(id)?.expected)) {
    const simulated = own.filter((outcome) => expected !== undefined && expected in outcome.simulated)
    write(`${expected}: ${own.length}${isShort ? '' : `, of them in the simulator ${simulated.length}`}`)
  }
}

function isAsReviewed({ simulated, cases }: Outcome, review: Review | undefined): boolean {
  const seen = { ...simulated, ...cases }
  if (review?.expected === 'equivalent') return Object.keys(seen).length === 0
  return review !== undefined && review.expected in seen
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}
