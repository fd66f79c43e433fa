import { readdirSync, readFileSync } from 'node:fs'

const TICKS_PER_S = 100

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
