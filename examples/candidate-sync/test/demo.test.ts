import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { freshDatabase, redisUrl } from '../../../tools/testing/servers.ts'
import { freePort } from '../demo/free-port.ts'
import type { Figures, Score } from '../demo/score.ts'

const MAIN = fileURLToPath(new URL('../demo/main.ts', import.meta.url))
const RUN_MS_MAX = 240_000

interface Run {
  readonly process: ChildProcess
  /** In the environment of the demo and of every process that it starts. */
  readonly mark: string
  stdout(): string
  stderr(): string
}

let runs: Run[] = []
afterEach(() => {
  for (const run of runs) run.process.kill('SIGKILL')
  runs = []
})

function start(...args: string[]): Run {
  const mark = randomUUID()
  const { SYNCPROOF_API_KEY, SYNCPROOF_URL, ...env } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...env, DEMO_TEST_MARK: mark } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const run = { process: child, mark, stdout: () => stdout, stderr: () => stderr }
  runs.push(run)
  return run
}

async function ended(run: Run): Promise<number | null> {
  const [code] = run.process.exitCode === null ? await once(run.process, 'close') : [run.process.exitCode]
  return code
}

/** Waits until it has printed this; fails at once where it ends before. */
async function printed(run: Run, text: string): Promise<void> {
  const over = ended(run).then((code): never => {
    throw new Error(`ended with ${code} before it printed '${text}'\n${run.stderr()}`)
  })
  const seen = vi.waitFor(() => expect(run.stdout()).toContain(text), { timeout: RUN_MS_MAX })
  await Promise.race([seen, over])
}

/** Processes that live and carry the run's mark, by Linux's own record of their environment. */
function alive({ mark }: Run): readonly string[] {
  if (!existsSync('/proc')) return []
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(mark)
    } catch {
      // ended meanwhile, or not ours to read
      return false
    }
  })
}

function scoreOf(run: Run): Pick<Score, 'findings' | 'report'> {
  return JSON.parse(run.stdout().trimEnd().split('\n').at(-1) ?? '')
}

function expectTrue(run: Run): void {
  const { findings, report } = scoreOf(run)
  const exact = ({ missed, false: wrong }: Figures) => ({ missed, wrong })
  for (const kind of ['lost-update', 'write-conflict', 'partial-write', 'unguarded-read-modify-write']) {
    expect(findings[kind]?.happened, kind).toBeGreaterThan(0)
    expect(exact(findings[kind] ?? { happened: 0, found: 0, missed: -1, false: -1 }), kind).toEqual({
      missed: 0,
      wrong: 0,
    })
  }
  expect(report.result).toBe('diverged')
  expect(report.happened).toBeGreaterThanOrEqual(3)
  expect({ missed: report.missed, wrong: report.false }).toEqual({ missed: 0, wrong: 0 })
  expect(run.stdout()).toContain('Syncproof was right')
}

describe('npm start -- --once', { timeout: RUN_MS_MAX }, () => {
  it('finds everything that happened, and nothing else, with all of it in one process', async () => {
    const run = start('--once', '--requests', '240', '--seed', '1')
    expect(await ended(run), run.stderr()).toBe(0)
    expectTrue(run)
    expect(run.stdout()).not.toContain('with exceptions')
    expect(alive(run)).toEqual([])
    const lines = run.stdout().trimEnd().split('\n').slice(0, -1)
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })

  it('knows the hazard from a single call, where nothing collides', async () => {
    const run = start('--once', '--requests', '1', '--seed', '1')
    expect(await ended(run), run.stderr()).toBe(0)
    expect(scoreOf(run).findings['unguarded-read-modify-write']).toEqual({
      happened: 1,
      found: 1,
      missed: 0,
      false: 0,
    })
  })

  it('does so with each part a process of its own on a real PostgreSQL, and Redis where there is one', async () => {
    const server = await freshDatabase()
    const redis = redisUrl()
    const run = start(
      '--once',
      '--requests',
      '240',
      '--database',
      server.url,
      ...(redis ? ['--redis', redis] : []),
    )
    expect(await ended(run), run.stderr()).toBe(0)
    expectTrue(run)
    expect(alive(run)).toEqual([])
    expect(await databasesOf(run, server.url)).toEqual([])
    await server.drop()
  })
})

describe('npm start', { timeout: RUN_MS_MAX }, () => {
  it('stays up, says how to go on, and ends cleanly at Ctrl-C', async () => {
    const run = start('--requests', '30', '--port', '0', '--metrics-port', '0')
    // the last line that it prints
    await printed(run, `"notes":"hi","updatedBy":"me/2"}' \\\n`)
    await vi.waitFor(() => expect(run.stdout()).toMatch(/c-001 &\n$/))
    expect(
      run
        .stdout()
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([])
    const setting = (name: string) => new RegExp(`export ${name}=(\\S+)`).exec(run.stdout())?.[1] ?? ''
    const response = await fetch(`${setting('SYNCPROOF_URL')}/v1/findings`, {
      headers: { authorization: `Bearer ${setting('SYNCPROOF_API_KEY')}` },
    })
    expect(response.status).toBe(200)
    run.process.kill('SIGINT')
    expect(await ended(run), run.stderr()).toBe(0)
    expect(alive(run)).toEqual([])
  })

  it('leaves nothing behind when it is interrupted in mid-run', async () => {
    const server = await freshDatabase()
    const run = start('--requests', '5000', '--port', '0', '--metrics-port', '0', '--database', server.url)
    await printed(run, 'Traffic')
    run.process.kill('SIGTERM')
    expect(await ended(run), run.stderr()).toBe(130)
    expect(alive(run)).toEqual([])
    expect(await databasesOf(run, server.url)).toEqual([])
    await server.drop()
  })

  it('leaves no process behind when it is killed', async () => {
    const server = await freshDatabase()
    const run = start('--requests', '5000', '--port', '0', '--metrics-port', '0', '--database', server.url)
    await printed(run, 'Traffic')
    expect(alive(run).length).toBeGreaterThan(1)
    run.process.kill('SIGKILL')
    await ended(run)
    await vi.waitFor(() => expect(alive(run)).toEqual([]), { timeout: 30_000 })
    await dropDatabasesOf(run, server.url)
    await server.drop()
  })
})

it.each([
  ['--database', 'postgres://me:pa55word@', 'PostgreSQL at postgres://me:***@'],
  ['--redis', 'redis://:pa55word@', 'Redis at redis://:***@'],
])(
  'names what %s cannot reach and the mend, without the password, and ends with 3',
  async (option, url, shown) => {
    const port = await freePort()
    const run = start('--once', option, `${url}127.0.0.1:${port}/x`)
    expect(await ended(run)).toBe(3)
    expect(run.stderr()).toContain(`${shown}127.0.0.1:${port}/x`)
    expect(run.stderr()).toContain(
      `ECONNREFUSED 127.0.0.1:${port}.\nStart it, or name another with ${option}`,
    )
    expect(run.stdout() + run.stderr()).not.toContain('pa55word')
    expect(alive(run)).toEqual([])
  },
)

it('says what is wrong with an option, and ends with 2', async () => {
  const run = start('--requests', 'many')
  expect(await ended(run)).toBe(2)
  expect(run.stderr()).toContain('--requests must be a whole number')
  expect(run.stdout()).toBe('')
})

function namesIn(run: Run): readonly string[] {
  return [...new Set(run.stdout().match(/candidate_(?:app|syncproof)_[0-9a-f]{8}/g) ?? [])]
}

async function databasesOf(run: Run, server: string): Promise<readonly string[]> {
  expect(namesIn(run)).toHaveLength(2)
  return (
    await query(server, 'SELECT datname FROM pg_database WHERE datname = ANY ($1)', [namesIn(run)])
  ).map(({ datname }) => String(datname))
}

async function dropDatabasesOf(run: Run, server: string): Promise<void> {
  for (const name of namesIn(run)) await query(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
}

async function query(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}
