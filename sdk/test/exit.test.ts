import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type Dev, startDev } from '../../cli/src/index.ts'
import { closeBooks, type ExitWay, endOnce, exitWays, listProcesses, recoverAll } from './exit-ways.ts'
import { type Answer, recordingServer } from './recording-server.ts'

// `node sdk/test/torture.ts` does the same a hundred times for each way
const TIMES = 3

let dev: Dev
beforeAll(async () => {
  dev = await startDev({ ephemeral: true, port: 0, metricsPort: 0 })
  process.env.SYNCPROOF_API_KEY = dev.apiKey
})
afterAll(() => dev.close())

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function tempDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'syncproof-exit-'))
  closing.push(() => rm(dir, { recursive: true }))
  return dir
}

it.each(Object.keys(exitWays) as ExitWay[])('the books close, with and without a spool: %s', async (way) => {
  const dir = await tempDir()
  const ended = await Promise.all(
    Array.from({ length: 2 * TIMES }, (_, n) =>
      endOnce(way, `${way} ${n}`, dev.url, n % 2 === 0 ? undefined : dir),
    ),
  )
  await recoverAll(dev.url, dev.apiKey, dir)
  const rows = await listProcesses(dev.url, dev.apiKey)
  for (const one of ended)
    expect([one, closeBooks(one, rows.get(one.service)).fault]).toEqual([one, undefined])
  expect(await readdir(dir)).toEqual([])
})

/** Runs a script to its end. */
async function run(script: string, answer: Answer | 'away', spoolDir?: string) {
  const server = answer === 'away' ? undefined : await recordingServer(answer)
  if (server) closing.push(server.close)
  const source = `
    import { createSyncproof } from ${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)}
    const syncproof = createSyncproof({ service: 'script', fingerprintKey: 'k', exitTimeoutMs: 500, flushIntervalMs: 1, spoolDir: ${JSON.stringify(spoolDir)} })
    const call = syncproof.wrap((id) => id, { entity: (id) => ({ type: 'thing', id }) })
    ${script}`
  const env = { ...process.env, SYNCPROOF_URL: server?.url ?? 'http://127.0.0.1:9', NODE_OPTIONS: '' }
  const startedMs = performance.now()
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { env, stdio: 'ignore' })
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { code, elapsedMs: performance.now() - startedMs, server, events: server?.events() ?? [] }
}

it('a request that hangs while a script ends holds it up no longer than exitTimeoutMs', async () => {
  // the request is under way long before the end
  const script = `call('a'); await new Promise((resolve) => setTimeout(resolve, 200))`
  const { code, elapsedMs } = await run(script, () => 'hang')
  expect(code).toBe(0)
  expect(elapsedMs).toBeLessThan(4_000)
})

it('what a script could not deliver within exitTimeoutMs the next process sends, and tells its end', async () => {
  const dir = await tempDir()
  let isAnswering = false
  const { code, server } = await run(
    `await syncproof.flush(); call('a')`,
    () => (isAnswering ? undefined : 'hang'),
    dir,
  )
  expect([code, await readdir(dir)]).toEqual([0, [expect.stringMatching(/\.0\.spool$/)]])
  isAnswering = true
  await recoverAll(server?.url ?? '', '', dir)
  expect(await readdir(dir)).toEqual([])
  const batch = server?.requests.findLast(({ batch }) => batch.process.service === 'script')?.batch
  expect(batch?.events).toMatchObject([
    { kind: 'operation_started' },
    { kind: 'operation_finished' },
    { kind: 'process_ended', seq: 2, last_seq: 1 },
  ])
  expect(batch?.process.books).toEqual({ produced: 3, dropped: {} })
})

it.each<[string, Answer | 'away']>([
  ['that answers', () => undefined],
  ['that is away', 'away'],
  ['that refuses', () => ({ status: 500 })],
])('the exit code stays the script’s own with a collector %s', async (_, answer) => {
  expect((await run(`call('a'); process.exitCode = 7`, answer)).code).toBe(7)
})

it('a script that goes on after it seemed to end goes on reporting', async () => {
  const script = `
    call('a')
    process.once('beforeExit', () => setTimeout(() => call('b'), 100))`
  const { code, events } = await run(script, () => undefined)
  expect([code, events.map(({ kind }) => kind)]).toEqual([
    0,
    ['operation_started', 'operation_finished', 'operation_started', 'operation_finished'],
  ])
})

it('no handler of the process stays but the one of beforeExit, and that goes with the client', async () => {
  const script = `
    const names = ['exit', 'SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection']
    call('a')
    const others = names.some((name) => process.listenerCount(name) > 0)
    const before = process.listenerCount('beforeExit')
    await syncproof.shutdown()
    process.exitCode = !others && before === 1 && process.listenerCount('beforeExit') === 0 ? 0 : 1`
  expect((await run(script, () => undefined)).code).toBe(0)
})
