import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lockDirectory, PgliteInUseError } from './directory-lock.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'syncproof-lock-'))
})
afterEach(() => rm(dir, { recursive: true }))

it('a locked directory is refused until it is unlocked, and nothing is left behind', async () => {
  const unlock = await lockDirectory(dir)
  await expect(lockDirectory(dir)).rejects.toThrow(PgliteInUseError)
  await unlock()
  const again = await lockDirectory(dir)
  await again()
  expect(await readdir(dir)).toEqual([])
})

it.each([
  ['its process is gone', '4194305 1'],
  ['its process id belongs to somebody else now', `${process.pid} 1`],
  ['it is empty', ''],
])('a lock is taken over when %s', async (_, holder) => {
  await writeFile(join(dir, 'syncproof.pid'), holder)
  const unlock = await lockDirectory(dir)
  await expect(lockDirectory(dir)).rejects.toThrow(PgliteInUseError)
  await unlock()
})
