import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { openPglite } from '../src/pglite/index.ts'

const WRITER = fileURLToPath(new URL('./killed-writer.ts', import.meta.url))

/** Runs the writer until it has acknowledged so many batches and kills it in the middle of the next. */
async function writeAndKill(dir: string, batches: number): Promise<readonly string[]> {
  const child: ChildProcess = spawn(process.execPath, [WRITER, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk
    if (output.split('\n').length > batches) child.kill('SIGKILL')
  })
  expect(await exited).toEqual([null, 'SIGKILL'])
  // a last line without its end may be of a batch that was never acknowledged whole
  return output.slice(0, output.lastIndexOf('\n')).split(/\s/)
}

it('what was acknowledged survives kill -9, and the next start takes the directory over', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'syncproof-kill-'))
  const acknowledged: string[] = []
  for (const batches of [20, 35, 50]) acknowledged.push(...(await writeAndKill(dir, batches)))
  const pool = await openPglite({ dir })
  const { rows } = await pool.query('select id from syncproof.events')
  await pool.end()
  const stored = new Set(rows.map((row) => row.id))
  expect(acknowledged.length).toBeGreaterThanOrEqual(4 * 105)
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
  await rm(dir, { recursive: true })
})
