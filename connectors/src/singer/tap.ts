import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { ListingError } from '@syncproof/core/comparison'
import { type Line, linesOf } from '../file/lines.ts'

export interface TapOptions {
  readonly command: readonly string[]
  readonly config: Readonly<Record<string, unknown>> | undefined
  readonly catalog: Readonly<Record<string, unknown>> | undefined
  readonly timeoutMs: number
}

/** How long a tap that is told to end may take. */
const END_MS_MAX = 2_000

/** Lines that a tap writes, to its end. It ends with the listing, however that ends, and so does whatever it has started.
 *  @throws ListingError `command_failed` where it cannot be run or ends otherwise than well, `timed_out` */
export async function* linesOfTap(options: TapOptions, signal: AbortSignal): AsyncGenerator<Line> {
  signal.throwIfAborted()
  const folder = await mkdtemp(join(tmpdir(), 'syncproof-tap-'))
  try {
    const [program = '', ...args] = options.command
    const given = [
      ...(await written(folder, 'config', options)),
      ...(await written(folder, 'catalog', options)),
    ]
    // a process group of its own, so that all of it can be ended
    const child = spawn(program, [...args, ...given], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    try {
      yield* linesOf(watched(child, program, options.timeoutMs, signal), program)
    } finally {
      await end(child)
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** For this user's eyes alone: it holds secrets. */
async function written(folder: string, name: 'config' | 'catalog', options: TapOptions): Promise<string[]> {
  const content = options[name]
  if (content === undefined) return []
  const path = join(folder, `${name}.json`)
  await writeFile(path, JSON.stringify(content), { mode: 0o600 })
  return [`--${name}`, path]
}

type Child = ChildProcessByStdio<null, Readable, Readable>

async function* watched(
  child: Child,
  program: string,
  timeoutMs: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const exit = exitOf(child)
  // what it logs may name records: it is read, so that it can go on writing, and forgotten
  child.stderr.resume()
  const output = child.stdout[Symbol.asyncIterator]()
  for (;;) {
    const step = await orSilence(output.next(), program, timeoutMs, signal)
    if (step.done) break
    yield step.value
  }
  const how = await exit
  if (how !== 0) throw failed(program, how)
}

function failed(program: string, how: number | string): ListingError {
  const what = typeof how === 'number' ? `ended with code ${how}` : `ended: ${how}`
  return new ListingError('command_failed', `${program} ${what}. Run it by hand to see what it says.`)
}

/** Its code; what kept it from one otherwise. */
function exitOf(child: Child): Promise<number | string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve('code' in error ? String(error.code) : error.message))
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
}

async function orSilence<T>(
  step: Promise<T>,
  program: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T> {
  step.catch(() => {})
  signal.throwIfAborted()
  let timer: NodeJS.Timeout | undefined
  let stop: (() => void) | undefined
  const silence = new Promise<never>((_, reject) => {
    const detail = `${program} has said nothing for ${timeoutMs / 1_000} s. Raise \`timeout\`, or see what it waits for.`
    timer = setTimeout(() => reject(new ListingError('timed_out', detail)), timeoutMs)
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([step, silence])
  } finally {
    clearTimeout(timer)
    if (stop) signal.removeEventListener('abort', stop)
  }
}

async function end(child: Child): Promise<void> {
  const { pid } = child
  if (pid === undefined) return
  const isOver = () => child.exitCode !== null || child.signalCode !== null
  const closed = isOver() ? undefined : once(child, 'exit')
  signalGroup(pid, 'SIGTERM')
  const late = setTimeout(() => signalGroup(pid, 'SIGKILL'), END_MS_MAX)
  await closed
  clearTimeout(late)
  // what it had started, and left
  signalGroup(pid, 'SIGKILL')
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // nothing of it is left
  }
}
