import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished, vi } from 'vitest'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const START_MS_MAX = 60_000

interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A running `syncproof`, as a process of its own. */
export interface RunningCli {
  readonly child: ChildProcess
  readonly exited: Promise<Exit>
  stdout(): string
  stderr(): string
  /** Waits for text on stdout or stderr and gives the first group of the pattern. */
  says(pattern: RegExp): Promise<string>
  kill(signal: NodeJS.Signals): Promise<Exit>
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly folder?: string
  /** What Node runs; the CLI's own main by default. */
  readonly program?: readonly string[]
}

/** Starts the real CLI. It is killed when the test ends, if it still runs. */
export function startCli(words: readonly string[], options: CliOptions = {}): RunningCli {
  const child = spawn(process.execPath, [...(options.program ?? [MAIN]), ...words], {
    cwd: options.folder ?? tmpdir(),
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  const exited = new Promise<Exit>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return {
    child,
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    says: (pattern) =>
      vi.waitFor(
        () => {
          const match = pattern.exec(stdout) ?? pattern.exec(stderr)
          if (match === null)
            throw new Error(`${pattern} was not said.\nstdout: ${stdout}\nstderr: ${stderr}`)
          return match[1] ?? ''
        },
        { timeout: START_MS_MAX, interval: 20 },
      ),
    kill(signal) {
      child.kill(signal)
      return exited
    },
  }
}

/** Runs a command to its end. */
export async function cli(words: readonly string[], options: CliOptions = {}) {
  const running = startCli(words, options)
  const { code } = await running.exited
  return { code, stdout: running.stdout(), stderr: running.stderr() }
}

/** A folder of the test's own. */
export async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'syncproof-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A port of the loopback that nobody used a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

/** Without settings of the machine that runs the tests. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SYNCPROOF_')))
}
