import type { StoredEvent } from '../../contract/index.ts'
import type { Program } from './program.ts'
import { runProgram } from './simulated-program.ts'
import { type PairTruth, pairTruth } from './simulated-truth.ts'
import { createWorld, type Truth } from './simulated-world.ts'

/** One run of several operations at once, as reported by a faultless SDK, and what really happened. */
export interface Simulation {
  /** In the order of production; several processes. */
  readonly events: readonly StoredEvent[]
  readonly truth: Truth & PairTruth
}

/** Runs the programs with the interleaving that `schedule` names: at each step, which of those that can go on
 *  does. The truth is taken from rows and from the external system's own log, by identity and by value; it
 *  knows no token and no event.
 *  @param schedule any numbers; where they end, the first that can go on does */
export function simulate(programs: readonly Program[], schedule: readonly number[]): Simulation {
  const world = createWorld()
  for (const program of programs) world.spawn((thread) => runProgram(world, program, thread))
  for (let turn = 0; world.threads.length > 0; turn++) {
    const ready = world.threads.filter((thread) => thread.canGoOn())
    const chosen = ready[(schedule[turn] ?? 0) % ready.length]
    if (!chosen) throw new Error('every operation waits for another one')
    world.tick++
    if (chosen.step().done) world.threads.splice(world.threads.indexOf(chosen), 1)
  }
  for (const process of [0, 1]) {
    const lastSeq = world.events.filter(({ process_id }) => process_id === `process-${process}`).length
    world.report(process, { kind: 'process_ended', last_seq: lastSeq })
  }
  return { events: world.events, truth: { ...world.truth, ...pairTruth(world) } }
}
