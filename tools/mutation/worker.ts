import { samples } from './corpus.ts'
import { type Job, type Outcome, READY } from './job.ts'
import { loadMutant } from './load-mutant.ts'
import { ownCases } from './own-cases.ts'
import { reviews } from './reviewed.ts'
import { allMutants } from './subjects.ts'
import { type Symptom, symptomsInCases, symptomsOf } from './try-mutant.ts'

process.once('message', async (job: Job) => {
  const cases = await ownCases()
  const corpus = samples(job.seed, job.simulations)
  const expected = new Map(reviews().map((review) => [review.id, review.expected]))
  const byId = new Map(allMutants().map((mutant) => [mutant.id, mutant]))
  process.send?.(READY)
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
