import { type Candidate, STAGES } from '../src/candidate.ts'
import { createRandom } from './random.ts'

const GIVEN = ['Ada', 'Alan', 'Barbara', 'Edsger', 'Frances', 'Grace', 'John', 'Karen', 'Leslie', 'Tony']
const FAMILY = ['Allen', 'Dijkstra', 'Hoare', 'Hopper', 'Lamport', 'Liskov', 'Lovelace', 'Neumann', 'Turing']

/** A candidate as both systems hold it before any traffic. */
export type NewCandidate = Omit<Candidate, 'revision'>

/** `count` candidates, `c-001` and on; the same for the same seed. */
export function makeCandidates(seed: string, count: number, now: Date): readonly NewCandidate[] {
  const random = createRandom(`candidates ${seed}`)
  return Array.from({ length: count }, (_, index) => {
    const number = String(index + 1).padStart(3, '0')
    const given = random.pick(GIVEN)
    const family = random.pick(FAMILY)
    return {
      id: `c-${number}`,
      name: `${given} ${family}`,
      email: `${given}.${family}.${number}@example.com`.toLowerCase(),
      phone: random.chance(0.2) ? null : `+44 20 7946 0${number}`,
      stage: random.pick(STAGES),
      score: random.below(100),
      notes: random.chance(0.3) ? null : `Met at fair ${number}`,
      updatedBy: `import/${number}`,
      updatedAt: now,
    }
  })
}
