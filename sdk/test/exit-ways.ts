import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createSyncproof } from '../src/index.ts'

/** What a way to end promises. `keeps`: without a spool nothing is lost either. `ends`: it is known that the
 *  process has ended, without a spool and with one. */
export const exitWays = {
  'handled SIGTERM': { code: 0, signal: null, keeps: true, ends: [true, true] },
  // all is delivered: nothing is left for the next process to tell the end by
  'end of script': { code: 0, signal: null, keeps: true, ends: [false, false] },
  'frozen and thawed': { code: 0, signal: null, keeps: true, ends: [false, false] },
  'process.exit': { code: 3, signal: null, keeps: false, ends: [false, true] },
  'uncaught error': { code: 1, signal: null, keeps: false, ends: [false, true] },
  SIGTERM: { code: null, signal: 'SIGTERM', keeps: false, ends: [false, true] },
  'kill -9': { code: null, signal: 'SIGKILL', keeps: false, ends: [false, true] },
} as const

export type ExitWay = keyof typeof exitWays

export interface Ended {
  readonly way: ExitWay
  readonly service: string
  readonly spooled: boolean
  /** Events of the calls that surely were made. */
  readonly made: number
  readonly code: number | null
  readonly signal: string | null
}

const child = fileURLToPath(new URL('./exit-child.ts', import.meta.url))

/** Runs one process that ends in this way, at a moment of its own. */
export async function endOnce(way: ExitWay, service: string, url: string, spoolDir?: string): Promise<Ended> {
  const running = spawn(process.execPath, [child, way, service, url, spoolDir ?? ''], {
    env: { ...process.env, NODE_OPTIONS: '', SYNCPROOF_API_KEY: process.env.SYNCPROOF_API_KEY },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = new Promise<Pick<Ended, 'code' | 'signal'>>((resolve) =>
    running.once('close', (code, signal) => resolve({ code, signal })),
  )
  let dots = 0
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  running.stdout?.on('data', (chunk: Buffer) => {
    dots += chunk.length
    begin()
  })
  await Promise.race([begun, exited])
  await interrupt(way, running)
  return { way, service, spooled: spoolDir !== undefined, ...(await exited), made: 2 * dots }
}

async function interrupt(way: ExitWay, running: ChildProcess): Promise<void> {
  await delay(Math.random() * 80)
  if (way === 'handled SIGTERM' || way === 'SIGTERM') running.kill('SIGTERM')
  if (way === 'kill -9') running.kill('SIGKILL')
  if (way !== 'frozen and thawed') return
  running.kill('SIGSTOP')
  await delay(200)
  running.kill('SIGCONT')
}

/** Sends what is left in a folder, as the next process that uses it does. */
export async function recoverAll(url: string, apiKey: string, spoolDir: string): Promise<void> {
  const next = createSyncproof({
    service: 'next',
    url,
    apiKey,
    fingerprintKey: 'k',
    spoolDir,
    flushTimeoutMs: 60_000,
  })
  await next.shutdown()
}

/** A row of GET /v1/processes. */
export interface ProcessRow {
  readonly service: string
  readonly produced: number
  readonly stored: number
  readonly dropped: Readonly<Record<string, number>>
  readonly in_flight: number
  readonly unaccounted: number
  readonly ended: boolean
}

export async function listProcesses(url: string, apiKey: string): Promise<Map<string, ProcessRow>> {
  const rows = new Map<string, ProcessRow>()
  let cursor = ''
  do {
    const address = `${url}/v1/processes?limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
    const response = await fetch(address, { headers: { authorization: `Bearer ${apiKey}` } })
    const page = (await response.json()) as { items: ProcessRow[]; next_cursor: string | null }
    for (const row of page.items) rows.set(row.service, row)
    cursor = page.next_cursor ?? ''
  } while (cursor !== '')
  return rows
}

export interface Verdict {
  /** What is not as promised; undefined where all is. */
  readonly fault: string | undefined
  /** Events that nobody was told of: they waited in the memory of a process that was ended. */
  readonly lost: number
}

/** Closes the books of one process with what the collector says of it. */
export function closeBooks(ended: Ended, row: ProcessRow | undefined): Verdict {
  const expected = exitWays[ended.way]
  if (ended.code !== expected.code || ended.signal !== expected.signal)
    return { fault: `ended with ${ended.code ?? ended.signal}`, lost: 0 }
  if (!row)
    return ended.spooled || expected.keeps
      ? { fault: 'is not known', lost: 0 }
      : { fault: undefined, lost: ended.made }
  const { produced, stored } = row
  // the process is gone: nothing is on its way
  const unaccounted = row.in_flight + row.unaccounted
  const dropped = Object.values(row.dropped).reduce((sum, count) => sum + count, 0)
  const isSafe = ended.spooled || expected.keeps
  const ends = expected.ends[ended.spooled ? 1 : 0]
  const events = produced - (row.ended ? 1 : 0)
  const faults = [
    produced !== stored + dropped + unaccounted && 'the books do not close',
    isSafe && unaccounted > 0 && `${unaccounted} unaccounted`,
    isSafe && dropped > 0 && `${dropped} dropped`,
    isSafe && events < ended.made && `${ended.made - events} lost`,
    // the call that was under way has made two events more than its dot tells
    events > ended.made + 2 && `${events - ended.made} more than were made`,
    row.ended !== ends && `ended is ${row.ended}`,
  ].filter((fault) => fault !== false)
  return { fault: faults[0] && faults.join(', '), lost: Math.max(0, ended.made - events) + unaccounted }
}
