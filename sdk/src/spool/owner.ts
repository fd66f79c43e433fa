import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** The operating system's process that writes a spool file. */
export interface Owner {
  readonly pid: number
  /** Where process numbers mean the same: the boot and the namespace, or else the host. */
  readonly realm: string
  /** When it was started, in the system's own unit: a process number is used again. */
  readonly started?: string | undefined
}

export function thisProcess(): Owner {
  return { pid: process.pid, realm: realm(), started: startOf(process.pid) }
}

/** Whether the owner lives. `unknown` where this process cannot see: another container, another machine. */
export function isAlive(owner: Owner): 'yes' | 'no' | 'unknown' {
  if (owner.realm !== realm()) return 'unknown'
  if (owner.started !== undefined) return startOf(owner.pid) === owner.started ? 'yes' : 'no'
  try {
    process.kill(owner.pid, 0)
    return 'unknown'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' ? 'no' : 'unknown'
  }
}

function realm(): string {
  const boot = attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  const namespace = attempt(() => readlinkSync('/proc/self/ns/pid'))
  return boot && namespace ? `${boot} ${namespace}` : hostname()
}

/** The 22nd field; the second may hold spaces and brackets. A zombie has ended, but for its exit code. */
function startOf(pid: number): string | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.[0] === 'Z' || fields?.[0] === 'X' ? undefined : fields?.[19]
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
