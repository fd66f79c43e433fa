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
