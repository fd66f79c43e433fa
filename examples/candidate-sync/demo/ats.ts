import { planFault } from './ats-faults.ts'
import { type AtsProxy, startAtsProxy } from './ats-proxy.ts'
import type { NewCandidate } from './candidates.ts'
import { type Child, firstMessage, startChild } from './children.ts'
import type { Row } from './oracle/evidence.ts'

/** How long the app waits for the ATS. */
export const ATS_TIMEOUT_MS = 2_000
/** A late request reaches the ATS when the app has surely given up. */
const LATE_MS = ATS_TIMEOUT_MS + 1_000

/** json-server in its own process, and the proxy before it that the app calls. */
export interface Ats {
  /** The ATS itself, without faults: what Syncproof reads, and what the oracle compares. */
  readonly url: string
  readonly proxy: AtsProxy
  readonly child: Child
  /** Every record, read directly. */
  records(): Promise<readonly Row[]>
  /** Changes, creates and removes records behind everybody's back. @returns the keys */
  tamper(candidateIds: readonly string[]): Promise<readonly string[]>
  stop(): Promise<void>
}

/** @param at where it listens; a free port of the loopback by default */
export async function startAts(
  seed: string,
  candidates: readonly NewCandidate[],
  at: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
): Promise<Ats> {
  const child = startChild('the ATS', new URL('ats-server.ts', import.meta.url), [], {})
  child.process.send({ data: { candidates }, ...at })
  const { url } = await firstMessage<{ url: string }>(child, 'the ATS')
  const proxy = await startAtsProxy({ target: url, plan: (requestId) => planFault(seed, requestId, LATE_MS) })
  const records = `${url}/candidates`
  return {
    url,
    proxy,
    child,
    async records() {
      return (await (await call(records, 'GET')).json()) as Row[]
    },
    async tamper(candidateIds) {
      const [changed, removed] = candidateIds.slice(-2)
      if (changed === undefined || removed === undefined)
        throw new RangeError('too few candidates to tamper with')
      const created = 'c-900'
      await call(`${records}/${changed}`, 'PATCH', {
        stage: 'withdrawn',
        notes: 'changed at the ATS by hand',
      })
      await call(`${records}/${removed}`, 'DELETE')
      await call(records, 'POST', { ...candidates[0], id: created, updatedBy: 'ats-admin' })
      return [changed, removed, created]
    },
    async stop() {
      await proxy.close()
      await child.stop()
    },
  }
}

async function call(url: string, method: string, body?: unknown): Promise<Response> {
  const response = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`the ATS answered ${response.status} to ${method} ${url}`)
  return response
}
