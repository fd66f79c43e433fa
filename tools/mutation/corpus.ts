import type { OperationHistory } from '../../core/detection/history.ts'
import { historiesOf } from '../../core/detection/testing/assemble.ts'
import { chaos, generated } from '../../core/detection/testing/generated.ts'
import { type Expected, expectedOf } from '../../core/detection/testing/oracle.ts'
import { createRandom } from '../../core/detection/testing/random.ts'

/** Histories put together once for all mutants, with what may be said of them. */
export interface Sample {
  readonly histories: readonly OperationHistory[]
  readonly expected: Expected
  /** Every event has arrived: what is not claimed is missed. */
  readonly whole: boolean
}

/** Each simulation twice: with all of its events, and with what a bad network left of them. */
export function samples(seed: number, count: number): readonly Sample[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => {
    const simulation = generated(random)
    const expected = expectedOf(simulation)
    const arrived = chaos(random, simulation.events).flat()
    return [
      { histories: historiesOf(simulation.events, { looks: true }), expected, whole: true },
      { histories: historiesOf(arrived, { looks: true }), expected, whole: false },
    ]
  }).flat()
}
