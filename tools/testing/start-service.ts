import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'

const MAIN = join(import.meta.dirname, '../../cli/src/main.ts')

/** A service as `syncproof` starts it. */
export interface Service {
  readonly pid: number
  /** As a service manager does. */
  stop(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
}

/** Runs a command of `syncproof` to its end. @throws with what it said where it fails */
export function runCommand(words: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`syncproof ${words[0]} exits ${status}: ${stderr}`)
}

/** Starts a service and waits until it says that it runs. In a session of its own, as a terminal or a service manager gives it one:
 *  Linux shares the cores between sessions, and in ours it would share with the load. */
export function startService(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Service> {
  return startProgram([MAIN, ...words], env)
}

/** The same, of another program of ours. */
export async function startProgram(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Service> {
  const child = spawn(process.execPath, words, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  })
  await saysThatItRuns(child)
  child.stderr.resume()
  async function end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await ended
  }
  return { pid: child.pid ?? 0, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

async function saysThatItRuns(child: ChildProcess): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
      if (/^(Collector|Reconciler): /m.test(said)) resolve()
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${said}`)))
  })
}
