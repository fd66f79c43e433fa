import { existsSync } from 'node:fs'
import { openPglite, PgliteInUseError, type PglitePool } from '@syncproof/store/pglite'
import { UnableError } from './command.ts'

/** @param dir undefined keeps it in memory
 *  @throws UnableError where another process has it open */
export async function openEmbedded(dir: string | undefined): Promise<PglitePool> {
  try {
    return await openPglite(dir === undefined ? {} : { dir })
  } catch (error) {
    if (!(error instanceof PgliteInUseError)) throw error
    throw new UnableError(
      error.message,
      'Stop the other process, or keep the data elsewhere with --data DIR or --ephemeral.',
      { cause: error },
    )
  }
}

/** For who only looks, or takes away: opening a folder that is not there would make a database, and say of that that it knows
 *  nothing.
 *  @throws UnableError where there is none, or another process has it open */
export async function openExisting(dir: string): Promise<PglitePool> {
  if (existsSync(dir)) return openEmbedded(dir)
  throw new UnableError(`There is no folder ${dir}.`, 'Name the one that `syncproof dev` keeps its data in.')
}
