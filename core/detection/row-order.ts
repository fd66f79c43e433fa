import { eventsOf, isCommitted, type StoredOf } from './events.ts'
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
    eventsOf(run.events, 'write')
      .filter(isCommitted)
      .filter(({ version, overwritten_version }) => version !== undefined && version !== overwritten_version)
      .map((write) => ({ run, write })),
  )
}

/** Whether `newer` replaced what `older` made, directly or over writes in between: the only order of versions that
 *  proves anything. */
export function isNewer(newer: MadeVersion, older: MadeVersion, made: readonly MadeVersion[]): boolean {
  let versions = new Set([older.write.version])
  for (let step = 0; step < limits.chainStepsMax; step++) {
    if (versions.has(newer.write.overwritten_version)) return true
    const next = made.filter(({ write }) => versions.has(write.overwritten_version))
    versions = new Set(next.map(({ write }) => write.version))
  }
  return false
}
