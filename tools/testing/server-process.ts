import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { atExit } from './at-exit.ts'

/** How a server is run, and how it is told from another one that happens to hold its port. */
export interface ServerSpec {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly options: Pick<SpawnOptions, 'uid' | 'gid' | 'cwd' | 'env'>
  /** Takes what it says. */
  readonly log: string
  /** Ends it, with whoever is connected. */
  readonly stopSignal: NodeJS.Signals
  /** Ends it without a moment for anything. */
  readonly exitSignal: NodeJS.Signals
  /** Where it keeps its data, as it says itself. */
  readonly data: string
  /** Where whoever answers at its address keeps theirs; undefined while nobody does. Resolves within seconds. */
  readonly askWhere: () => Promise<string | undefined>
}

export interface ServerProcess {
  readonly pid: number
  /** Resolves when it has ended, which may have been before. */
  stop(): Promise<void>
}

const START_MS_MAX = 30_000
const STOP_MS_MAX = 10_000

/** Runs a server as a child of this process, until it is stopped or this process exits. It is signalled through the
 *  child's handle, which knows when it has ended: the number of a process is soon somebody else's.
 *  @throws where it ends by itself, with what it said last, or does not answer within 30 s; it has ended then */
export async function startServerProcess(spec: ServerSpec): Promise<ServerProcess> {
  const output = openSync(spec.log, 'a')
  const child = spawn(spec.program, spec.args, { ...spec.options, stdio: ['ignore', output, output] })
  closeSync(output)
  const forget = atExit(() => child.kill(spec.exitSignal))
  const ended = endOf(child)
  const stop = async () => {
    child.kill(spec.stopSignal)
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
    await ended
    clearTimeout(late)
    forget()
  }
  try {
    await untilItAnswers(spec, ended)
  } catch (error) {
    await stop()
    throw error
  }
  if (child.pid === undefined) throw new Error(`${spec.name} answers and has no process id`)
  return { pid: child.pid, stop }
}

/** How it ended. A program that could not be run has ended, too. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `code ${code}`))
    child.once('error', (error) => {
      if (child.pid === undefined) resolve(error.message)
    })
  })
}

async function untilItAnswers(spec: ServerSpec, ended: Promise<string>): Promise<void> {
  let how: string | undefined
  void ended.then((text) => {
    how = text
  })
  const deadline = Date.now() + START_MS_MAX
  let where: string | undefined
  while (Date.now() < deadline) {
    if (how !== undefined) throw new Error(`${spec.name} ended with ${how}: ${lastLines(spec.log)}`)
    where = await spec.askWhere()
    if (where === spec.data) return
    await Promise.race([ended, delay(50)])
  }
  const other = where === undefined ? '' : `; another server answers, which keeps its data in ${where}`
  throw new Error(`${spec.name} did not answer within ${START_MS_MAX / 1_000} s${other}`)
}

function lastLines(log: string): string {
  return readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' / ') || 'it said nothing'
}
