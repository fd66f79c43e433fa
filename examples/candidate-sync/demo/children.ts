import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const STOP_MS_MAX = 10_000
/** Kept of what a process says on stderr, to be shown where it ends by itself. */
const LAST_WORDS_LINES_MAX = 12

export interface Child {
  readonly pid: number
  readonly process: ChildProcess
  /** Resolves with a line of stdout for which `wanted` gives something. Rejects when the process ends before. */
  line<T>(wanted: (line: string) => T | undefined): Promise<T>
  /** Resolves with the exit code when the process has ended by itself or was stopped; null after a signal. */
  readonly ended: Promise<number | null>
  /** SIGTERM, and SIGKILL where that was not enough. */
  stop(): Promise<void>
  /** What it said last on stderr. */
  lastWords(): string
}

class ChildError extends Error {
  override name = 'ChildError'
}

/** Starts a Node program that ends when this process does. It has a process group of its own, so that a Ctrl-C
 *  reaches the demo alone, which stops its children in order.
 *  @param script a file URL */
export function startChild(
  name: string,
  script: URL | string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Child {
  const child = spawn(
    process.execPath,
    ['--import', new URL('tether.ts', import.meta.url).href, fileURLToPath(script), ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], detached: true },
  )
  const words: string[] = []
  if (!child.stdout || !child.stderr || child.pid === undefined)
    throw new ChildError(`${name} could not be started`)
  createInterface({ input: child.stderr }).on('line', (line) => {
    words.push(line)
    if (words.length > LAST_WORDS_LINES_MAX) words.shift()
  })
  const lines = createInterface({ input: child.stdout })
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  const lastWords = () => words.join('\n')
  return {
    pid: child.pid,
    process: child,
    ended,
    lastWords,
    line(wanted) {
      return new Promise((resolve, reject) => {
        lines.on('line', (line) => {
          const found = wanted(line)
          if (found !== undefined) resolve(found)
        })
        void ended.then((code) => reject(new ChildError(`${name} ended with ${code}\n${lastWords()}`)))
      })
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await ended
      clearTimeout(kill)
    },
  }
}

/** Resolves with the first message of a process. */
export async function firstMessage<T>(child: Child, name: string): Promise<T> {
  const message = once(child.process, 'message').then(([content]) => content as T)
  const gone = child.ended.then((code): never => {
    throw new ChildError(`${name} ended with ${code}\n${child.lastWords()}`)
  })
  return Promise.race([message, gone])
}
