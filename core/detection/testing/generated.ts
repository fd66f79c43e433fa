import type { Program } from './program.ts'
import { choices, contended } from './program-choices.ts'
import type { Random } from './random.ts'
import { type Simulation, simulate } from './simulator.ts'

/** One run of one to five operations at once, drawn as `simulation` draws it, without what a failure needs to shrink. */
export function generated(random: Random): Simulation & { readonly programs: readonly Program[] } {
  const isContended = random.chance(0.5)
  const count = isContended ? 2 + random.below(3) : 1 + random.below(5)
  const programs = Array.from({ length: count }, () => {
    const drawn = program(random)
    return isContended ? contended(drawn) : drawn
  })
  const schedule = Array.from({ length: 120 }, () => random.below(10))
  return { programs, ...simulate(programs, schedule) }
}

function program(random: Random): Program {
  const { answer, ...members } = choices
  const drawn = Object.entries(members).map(([name, items]) => [name, random.pick<unknown>(items)])
  return { ...Object.fromEntries(drawn), answers: [random.pick(answer), random.pick(answer)] }
}

/** What a bad network makes of events: some are lost, some come twice, all come in another order, some in two batches. */
export function chaos<T>(random: Random, events: readonly T[]): readonly (readonly T[])[] {
  const lost = random.pick([0, 0.02, 0.1, 0.3, 0.5])
  const arriving = events.filter(() => !random.chance(lost))
  arriving.push(...arriving.filter(() => random.chance(0.1)))
  for (let index = arriving.length - 1; index > 0; index--) {
    const other = random.below(index + 1)
    const [a, b] = [arriving[index], arriving[other]]
    if (a !== undefined && b !== undefined) [arriving[index], arriving[other]] = [b, a]
  }
  const cut = random.chance(0.25) ? random.below(arriving.length + 1) : 0
  return cut === 0 ? [arriving] : [arriving.slice(0, cut), arriving.slice(cut)]
}
