import { exclusive } from '@syncproof/sdk/section'
import type { CallPlan } from '../plan/call.ts'
import type { Actor } from './recorded-rows.ts'
import type { ProgramWorld } from './world.ts'

interface Times {
  /** @param found a row, or a key, to lock */
  entered(found: boolean): void
  left(): void
}

/** Runs `run` as a declared section, and writes down from when to when it was in it. */
export async function exclusiveSection<T>(
  world: ProgramWorld,
  { row, table, guard }: CallPlan,
  { call }: Actor,
  protection: 'row_lock' | 'advisory_lock',
  run: (times: Times) => Promise<T>,
): Promise<T> {
  const clock = () => String(process.hrtime.bigint())
  const outer = clock()
  let entered: string | undefined
  let found = false
  let left: string | undefined
  const times: Times = {
    entered: (locked) => {
      entered = clock()
      found = locked
      // whoever is killed inside writes no other line
      world.diary.note({ what: 'entered', call, row, guard, found, outerNs: outer, innerNs: entered })
    },
    left: () => {
      left = clock()
    },
  }
  try {
    return await exclusive('change', { type: table, id: row }, { protection }, () => run(times))
  } finally {
    if (entered)
      world.diary.note({
        what: 'held',
        call,
        row,
        guard,
        found,
        outerNs: [outer, clock()],
        innerNs: [entered, left ?? entered],
      })
  }
}
