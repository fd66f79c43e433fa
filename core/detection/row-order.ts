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
  const made: MadeVersion[] = []
  for (const run of runs)
    for (const write of committedOf(run.events))
      if (write.version !== undefined && write.version !== write.overwritten_version)
        made.push({ run, write })
  return made
}

/** Two versions of a row, with the writes that lead from the one to the other: the only order of versions that proves
 *  anything. */
export interface Succession {
  readonly older: MadeVersion
  readonly newer: MadeVersion
  /** Those in between. */
  readonly via: readonly MadeVersion[]
}

/** All that are at most `limits.chainStepsMax` writes apart.
 *  @param ends the versions that either end may be */
export function successions(
  made: readonly MadeVersion[],
  ends: Pick<ReadonlyMap<MadeVersion, unknown>, 'has' | 'keys'>,
): readonly Succession[] {
  const byReplaced = Map.groupBy(made, ({ write }) => write.overwritten_version)
  const found: Succession[] = []
  const follow = (older: MadeVersion, last: MadeVersion, via: readonly MadeVersion[]): void => {
    for (const newer of byReplaced.get(last.write.version) ?? []) {
      if (ends.has(newer)) found.push({ older, newer, via })
      if (via.length + 1 < limits.chainStepsMax) follow(older, newer, [...via, newer])
    }
  }
  for (const older of ends.keys()) follow(older, older, [])
  return found
}
