import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Symptom } from './try-mutant.ts'

/** What a person says of one mutant. */
export interface Review {
  readonly id: string
  /** What must be seen when the condition is deleted. `equivalent`: nothing, for the reason given. */
  readonly expected: Symptom | 'equivalent'
  readonly reason: string | undefined
}

const FILE = join(import.meta.dirname, 'reviewed.tsv')
const EXPECTED: readonly string[] = ['false-proven', 'false-claim', 'miss', 'throws', 'equivalent']

/** `reviewed.tsv`: one line a mutant, `expected <tab> id`, and for what is equivalent `<tab> reason`. */
export function reviews(): readonly Review[] {
  return readFileSync(FILE, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [expected = '', id = '', reason] = line.split('\t')
      if (!EXPECTED.includes(expected)) throw new Error(`reviewed.tsv: what is "${expected}"?`)
      if ((expected === 'equivalent') !== (reason !== undefined))
        throw new Error(`reviewed.tsv: what is equivalent has a reason, and nothing else: ${id}`)
      return { expected: expected as Review['expected'], id, reason }
    })
}
