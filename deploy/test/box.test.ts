import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBox } from './box.ts'

const box = openBox()

describe.runIf(box.isReal)('what is run in a box', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'syncproof-box-'))
    chmodSync(folder, 0o755)
    box.makeWritable(join(folder, 'own'))
    box.makeWritable(join(folder, 'other'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const run = (script: string) => {
    const { program, args, env } = box.wrap('sh', ['-c', script], [join(folder, 'own')])
    return spawnSync(program, args, { env: { ...process.env, ...env }, cwd: folder, encoding: 'utf8' })
  }

  it('writes to the folders that it is given, and nowhere else', () => {
    expect(run('echo a > own/a && cat own/a')).toMatchObject({ status: 0, stdout: 'a\n' })
    for (const path of ['other/a', '/var/tmp/a', '/a'])
      expect(run(`echo a > ${path}`).stderr).toMatch(/Read-only file system|Permission denied/)
    expect(run('echo a > other/a').stderr).toContain('Read-only file system')
  })

  it('has no capability, and gets none', () => {
    const { stdout } = run('cat /proc/self/status')
    for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapInh'])
      expect(stdout).toMatch(new RegExp(`^${set}:\\s+0+$`, 'm'))
    expect(stdout).toMatch(/^NoNewPrivs:\s+1$/m)
  })
})
