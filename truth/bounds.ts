import type { Kind } from './oracle/truth.ts'
import type { Results } from './suite.ts'

/** The least share of what must be found that is found, where every event is there. */
const RECALL: Readonly<Partial<Record<Kind, number>>> = {
  lost: 0.999,
  conflicts: 0.999,
  splits: 0.999,
  voidByForeign: 0.999,
  voidByNothing: 0.999,
  overlaps: 0.999,
  skews: 0.999,
  orphans: 0.999,
  unobserved: 0.999,
  duplicates: 0.999,
  reorders: 0.95,
}
/** Kinds whose proof is one event. */
const OF_ONE_EVENT: readonly Kind[] = ['lost', 'conflicts', 'voidByForeign', 'voidByNothing']
const MARGIN = 0.02

/** What the results promise and do not keep; empty where all is kept. */
export function brokenPromises({ scores, retractions, unforeseen }: Results): string[] {
  const broken: string[] = []
  for (const [name, { byKind }] of scores)
    for (const [kind, { wrong, false: count }] of byKind)
      if (count > 0)
        broken.push(`${name}: ${count} of ${kind} were proven and did not happen: ${wrong.join(' | ')}`)
  if (retractions > 0) broken.push(`${retractions} proven findings were taken back`)
  const whole = scores.get('all there')
  for (const [kind, least] of Object.entries(RECALL) as [Kind, number][])
    if (whole && whole.recall(kind) < least)
      broken.push(
        `of ${kind} only ${whole.recall(kind)} was found: ${whole.byKind.get(kind)?.missed.join(' | ')}`,
      )
  for (const [name, kept] of [
    ['drop 10 %', 0.9],
    ['drop 30 %', 0.7],
    ['drop 50 %', 0.5],
  ] as const)
    for (const kind of OF_ONE_EVENT) {
      const lossy = scores.get(name)
      const happened = lossy?.byKind.get(kind)?.happened ?? 0
      // of a handful, chance decides
      if (lossy && happened >= 1_000 && lossy.recall(kind) < kept - MARGIN)
        broken.push(`${name}: of ${kind} only ${lossy.recall(kind)} was found`)
    }
  for (const error of unforeseen) broken.push(`an error that no plan provokes: ${error}`)
  return broken
}
