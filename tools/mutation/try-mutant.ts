import { type Judge, judgeHistories } from '../../core/detection/testing/assemble.ts'
import { wrongVerdicts } from '../../core/detection/testing/oracle.ts'
import type { Sample } from './corpus.ts'
import { claimsOf, type OwnCase } from './own-cases.ts'

/** How a change shows: it claims as proven (or observed) what did not happen, it claims that more weakly, it misses what
 *  did, or a detector throws, which costs its findings. */
export type Symptom = 'false-proven' | 'false-claim' | 'miss' | 'throws'

/** Judges the samples in turn until the wanted symptom shows. @returns every symptom seen, with the first sample and claim */
export function symptomsOf(
  judge: Judge,
  samples: Iterable<Sample>,
  wanted: Symptom | undefined,
): ReadonlyMap<Symptom, string> {
  const seen = new Map<Symptom, string>()
  const note = (symptom: Symptom, what: string) => {
    if (!seen.has(symptom)) seen.set(symptom, what)
  }
  // a throw is told apart from what it costs
  const watched: Judge = {
    ...judge,
    detectOperation(history, judges) {
      const { findings, failures } = judge.detectOperation(history, judges)
      for (const { detector, error } of failures) note('throws', `${detector}: ${error}`)
      return { findings, failures: [] }
    },
  }
  let number = 0
  for (const { histories, expected, whole } of samples) {
    const findings = new Map()
    try {
      judgeHistories(histories, findings, watched)
      for (const { how, claim } of wrongVerdicts(findings.values(), expected, { whole })) {
        const isStrong = claim.startsWith('proven') || claim.startsWith('observed')
        note(how === 'miss' ? 'miss' : isStrong ? 'false-proven' : 'false-claim', `${number}: ${claim}`)
      }
    } catch (error) {
      note('throws', String(error))
    }
    number++
    if (wanted ? seen.has(wanted) : seen.size === 4) break
  }
  return seen
}

/** The same of the short histories of the detectors' own tests. */
export function symptomsInCases(judge: Judge, cases: readonly OwnCase[]): ReadonlyMap<Symptom, string> {
  const seen = new Map<Symptom, string>()
  const note = (symptom: Symptom, what: string) => {
    if (!seen.has(symptom)) seen.set(symptom, what)
  }
  for (const [number, { kind, history, claims }] of cases.entries()) {
    const now = claimsOf(judge, { kind, history })
    const told = (claim: string) => note(symptomOf(claim), `case ${number}: ${claim}`)
    for (const claim of now) if (!claims.includes(claim)) told(claim)
    for (const claim of claims)
      if (!now.includes(claim) && !claim.includes('throws ')) note('miss', `case ${number}: ${claim}`)
  }
  return seen
}

function symptomOf(claim: string): Symptom {
  if (claim.includes('throws ')) return 'throws'
  return /^[\w ]+: (proven|observed)/.test(claim) ? 'false-proven' : 'false-claim'
}
