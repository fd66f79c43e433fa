import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Another live process has the directory open. PGlite itself would open it and destroy it. */
export class PgliteInUseError extends Error {
  override readonly name = 'PgliteInUseError'
  readonly code = 'PGLITE_IN_USE'

  constructor(dir: string, pid: number) {
    super(`The database in ${dir} is in use by process ${pid}: end it, or use another directory`)
  }
}

/** Makes this process the only one that may open a directory, until the returned function is called or it dies. A lock
 *  that a killed process left behind is taken over.
 *  @throws PgliteInUseError */
export async function lockDirectory(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true })
  const path = join(dir, 'syncproof.pid')
  const own = `${path}.${process.pid}`
  await writeFile(own, await identity(process.pid))
  try {
    await claim(dir, path, own)
  } finally {
    await rm(own, { force: true })
  }
  return () => rm(path, { force: true })
}

/** Linking fails where the name is taken, so of any number of processes one gets it. */
async function claim(dir: string, path: string, own: string): Promise<void> {
  if (await linked(own, path)) return
  const holder = await readFile(path, 'utf8').catch(() => '')
  const pid = Number.parseInt(holder, 10)
  if (await isAlive(pid, holder)) throw new PgliteInUseError(dir, pid)
  // Moved away before it is judged again: by now it may be the lock of another who took it over first.
  const stale = `${own}.stale`
  await rename(path, stale).catch(ignoreMissing)
  const moved = await readFile(stale, 'utf8').catch(() => '')
  if (moved !== holder) await linked(stale, path)
  await rm(stale, { force: true })
  if (!(await linked(own, path))) throw new PgliteInUseError(dir, Number.parseInt(moved, 10))
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Process id and, where the system tells, when it started: after a crash, in a container above all, the
 *  same id soon belongs to somebody else. */
async function identity(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The second field is the program's name in parentheses and may contain anything; the start is the 22nd.
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  return `${pid} ${startTicks}`
}

async function isAlive(pid: number, holder: string): Promise<boolean> {
  if (!Number.isInteger(pid)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
  }
  return (await identity(pid)) === holder
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
