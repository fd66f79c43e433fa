import { samples } from './corpus.ts'
import { loadMutant } from './load-mutant.ts'
import { ownCases } from './own-cases.ts'
import { reviews } from './reviewed.ts'
import { allMutants } from './subjects.ts'
import { type Symptom, symptomsInCases, symptomsOf } from './try-mutant.ts'

/** What was seen of one mutant. */
export interface Outcome {
  readonly id: string
  /** Symptoms, each with its first instance; in the simulator, and in the detectors' own short histories. */
  readonly simulated: Readonly<Record<string, string>>
  readonly cases: Readonly<Record<string, string>>
}

/** What the parent asks for; ids in the order in which they are tried. */
export interface Job {
  readonly ids: readonly string[]
  readonly seed: number
  readonly simulations: number
  /** Own cases first, and the simulator only where they do not show what is expected. */
  readonly isShort: boolean
}

process.once('message', async (job: Job) => {
  const cases = await ownCases()
  const corpus = samples(job.seed, job.simulations)
  const expected = new Map(reviews().map((review) => [review.id, review.expected]))
  const byId = new Map(allMutants().map((mutant) => [mutant.id, mutant]))
  for (const id of job.ids) {
    const mutant = byId.get(id)
    if (!mutant) throw new Error(`there is no condition ${id}`)
    const judge = await loadMutant(mutant)
    const inCases = symptomsInCases(judge, cases)
    const wanted = expected.get(id)
    const isSeen = wanted !== undefined && inCases.has(wanted as Symptom)
    const target = wanted === undefined || wanted === 'equivalent' ? undefined : wanted
    const simulated = job.isShort && isSeen ? new Map() : symptomsOf(judge, corpus, target)
    const outcome: Outcome = {
      id,
      simulated: Object.fromEntries(simulated),
      cases: Object.fromEntries(inCases),
    }
    process.send?.(outcome)
  }
  process.disconnect?.()
})
