import fc from 'fast-check'
import { ANSWERS, GUARDS, type Program, REACTIONS, SECTIONS, SHAPES, STYLES } from './simulated-world.ts'
import { simulate } from './simulator.ts'

const program: fc.Arbitrary<Program> = fc.record({
  row: fc.constantFrom(0, 0, 1),
  process: fc.nat(1),
  style: fc.constantFrom('spread' as const, ...STYLES),
  field: fc.constantFrom('a', 'b'),
  value: fc.nat(2),
  guard: fc.constantFrom('none' as const, 'none' as const, ...GUARDS),
  fate: fc.constantFrom(
    'commit' as const,
    'commit',
    'commit',
    'commit',
    'roll_back',
    'unknown_committed',
    'unknown_rolled_back',
  ),
  shape: fc.constantFrom('flat' as const, 'create', ...SHAPES),
  answers: fc.array(fc.constantFrom('ok' as const, 'rejected', ...ANSWERS), { minLength: 2, maxLength: 2 }),
  reaction: fc.constantFrom(...REACTIONS),
  syncs: fc.constantFrom([{ system: 'ats' }], [{ system: 'ats' }], [{ system: 'ats', async: true }], []),
  section: fc.constantFrom('none' as const, 'none' as const, ...SECTIONS),
  readsOther: fc.boolean(),
  revisions: fc.boolean(),
  pause: fc.constantFrom(0, 0, 4),
})
/** Calls that all commit and all sync, on one row or two: what only happens between operations happens here. */
const contended: fc.Arbitrary<Program> = program.map((given) => ({
  ...given,
  style: given.style === 'counter' || given.style === 'expression' ? 'derived' : given.style,
  guard: 'none',
  fate: 'commit',
  shape: given.shape === 'sync_in_call' || given.shape === 'sync_unawaited' ? given.shape : 'flat',
  answers: ['ok', 'ok'],
  syncs: [{ system: 'ats' }],
  pause: given.pause * 3,
}))

/** Runs of one to five operations at once; fast-check prints the seed of a failure. */
export const simulation = fc
  .record({
    programs: fc.oneof(
      fc.array(program, { minLength: 1, maxLength: 5 }),
      fc.array(contended, { minLength: 2, maxLength: 4 }),
    ),
    schedule: fc.array(fc.nat(9), { minLength: 60, maxLength: 120, size: 'max' }),
  })
  .map(({ programs, schedule }) => ({ programs, ...simulate(programs, schedule) }))
