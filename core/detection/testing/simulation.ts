import fc from 'fast-check'
import type { Program } from './program.ts'
import { choices, contended } from './program-choices.ts'
import { simulate } from './simulator.ts'

const of = <T>(items: readonly [T, ...T[]]) => fc.constantFrom(...items)

const { answer, ...members } = choices

const program: fc.Arbitrary<Program> = fc.record({
  ...(Object.fromEntries(Object.entries(members).map(([name, items]) => [name, of<unknown>(items)])) as {
    [K in keyof typeof members]: fc.Arbitrary<Program[K]>
  }),
  answers: fc.array(of(answer), { minLength: 2, maxLength: 2 }),
})

/** Runs of one to five operations at once; fast-check prints the seed of a failure. */
export const simulation = fc
  .record({
    programs: fc.oneof(
      fc.array(program, { minLength: 1, maxLength: 5 }),
      fc.array(program.map(contended), { minLength: 2, maxLength: 4 }),
    ),
    schedule: fc.array(fc.nat(9), { minLength: 60, maxLength: 120, size: 'max' }),
  })
  .map(({ programs, schedule }) => ({ programs, ...simulate(programs, schedule) }))
