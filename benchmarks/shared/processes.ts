import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const MAIN = join(import.meta.dirname, '../../cli/src/main.ts')
const TICKS_PER_S = 100

/** A service as `syncproof` starts it. */
export interface Service {
  readonly pid: number
  stop(): Promise<void>
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
  return {
    pid: child.pid ?? 0,
    async stop() {
      if (child.exitCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
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

/** Seconds of CPU that a process and its children have used; undefined where there is no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  const own = statOf(pid)
  if (!own) return undefined
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? [])
    .filter(({ parent }) => parent === pid)
  return [own, ...children].reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_S
}

/** Seconds of CPU that the whole machine has used, waiting for disks left out; undefined where there is no /proc. */
export function machineCpuSeconds(): number | undefined {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
    const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = line.split(/ +/).slice(1).map(Number)
    return (user + nice + system + irq + softIrq) / TICKS_PER_S
  } catch {
    return undefined
  }
}

/** With the children that it has waited for. */
function statOf(pid: number): { readonly parent: number; readonly ticks: number } | undefined {
  try {
    // the name may hold spaces, and ends with the last bracket
    const fields = (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? '').split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, text) => sum + Number(text), 0)
    return { parent: Number(fields[1]), ticks }
  } catch {
    return undefined
  }
}
