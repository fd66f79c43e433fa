import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SourceRecord } from '@syncproof/core/comparison'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { freePort } from '../../tools/testing/throwaway-servers.ts'
import { http, link } from '../src/index.ts'

const require = createRequire(import.meta.url)
const signal = new AbortController().signal
const folder = mkdtempSync(join(tmpdir(), 'syncproof-json-server-'))
let server: ChildProcess
let origin: string

beforeAll(async () => {
  const candidates = Array.from({ length: 250 }, (_, n) => ({ id: `c${n}`, name: `name ${n}` }))
  writeFileSync(join(folder, 'db.json'), JSON.stringify({ candidates }))
  const port = await freePort()
  origin = `http://127.0.0.1:${port}`
  const program = require.resolve('json-server/lib/cli/bin.js')
  const args = [program, '--host', '127.0.0.1', '--port', String(port), '--quiet', 'db.json']
  server = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' })
  await vi.waitFor(async () => expect((await fetch(`${origin}/candidates/c0`)).status).toBe(200), {
    timeout: 30_000,
    interval: 50,
  })
})

afterAll(async () => {
  const ended = new Promise((resolve) => server.once('exit', resolve))
  server.kill()
  await ended
  rmSync(folder, { recursive: true, force: true })
})

function candidates() {
  return http({
    url: `${origin}/candidates?_page=1&_limit=100`,
    key: 'id',
    next: link(),
    get: '/candidates/{key}',
  }).open()
}

async function keysOf(source: ReturnType<typeof candidates>): Promise<string[]> {
  const records: SourceRecord[] = []
  for await (const batch of source.list(signal)) records.push(...batch.records)
  return records.map(({ key }) => key)
}

it('every record of a real json-server is listed once, in as few requests as it has pages', async () => {
  const source = candidates()
  expect(await keysOf(source)).toEqual(Array.from({ length: 250 }, (_, n) => `c${n}`))
  expect(source.requests()).toBe(3)
  await source.close()
})

it('a record of a real json-server is read by key, and one that was deleted is gone', async () => {
  const source = candidates()
  expect(await source.get?.('c7', signal)).toMatchObject({ key: 'c7', fields: { name: 'name 7' } })
  await fetch(`${origin}/candidates/c7`, { method: 'DELETE' })
  expect(await source.get?.('c7', signal)).toBeUndefined()
  expect(await keysOf(source)).toHaveLength(249)
  await source.close()
})

it('one page of a real json-server is not taken for all of it', async () => {
  const source = http({ url: `${origin}/candidates?_page=1&_limit=100`, key: 'id' }).open()
  await expect(keysOf(source)).rejects.toMatchObject({
    code: 'truncated',
    detail: expect.stringContaining('`next`'),
  })
  await source.close()
})
