import { committedOf, type StoredOf } from './events.ts'
import { limits } from './limits.ts'
import type { Run } from './runs.ts'

/** A committed write, with who made it. */
export interface MadeVersion {
  readonly run: Run
  readonly write: StoredOf<'write'>
}

/** Committed writes of all runs that name what they made and what they replaced. */
export function madeVersions(runs: readonly Run[]): readonly MadeVersion[] {
  return runs.flatMap((run) =>
    committedOf(run.events)
      .filter(({ version, overwritten_version }) => version !== undefined && version !== overwritten_version)
      .map((write) => ({ run, write })),
  )
}

/** Two versions of a row, with the writes that lead from the one to the other: the only order of versions that proves
 *  anything. */
export interface Succession {
  readonly older: MadeVersion
  readonly newer: MadeVersion
  /** Those in between. */
  readonly via: readonly MadeVersion[]
}

/** All that are at most `limits.chainStepsMax` writes apart. */
export function successions(made: readonly MadeVersion[]): readonly Succession[] {
  const byReplaced = Map.groupBy(made, ({ write }) => write.overwritten_version)
  return made.flatMap((older) => {
    const found: Succession[] = []
    let ends: readonly Succession[] = [{ older, newer: older, via: [] }]
    for (let step = 0; step < limits.chainStepsMax; step++) {
      ends = ends.flatMap(({ newer: last, via }) =>
        (byReplaced.get(last.write.version) ?? []).map((newer) => ({
          older,
          newer,
          via: last === older ? via : [...via, last],
        })),
      )
      found.push(...ends)
    }
    return found
  })
}
