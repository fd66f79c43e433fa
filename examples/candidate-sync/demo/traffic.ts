import { setTimeout as sleep } from 'node:timers/promises'
import { STAGES } from '../src/candidate.ts'
import type { AppReply, ClientRequest } from './oracle/evidence.ts'
import { createRandom, type Random } from './random.ts'

/** One PATCH that a client is going to send. */
interface PlannedRequest {
  readonly id: string
  readonly candidateId: string
  readonly body: Readonly<Record<string, unknown>>
}

/** Requests that different clients send at the same moment. */
export type Step = readonly PlannedRequest[]

export interface TrafficOptions {
  readonly seed: string
  readonly requests: number
  readonly candidateIds: readonly string[]
}

/** Candidates that everybody works on. */
const HOT_CANDIDATES = 8
const HOT_SHARE = 0.5
/** Share of steps in which several clients change one candidate at once. */
const TOGETHER_SHARE = 0.3
const TOGETHER_MAX = 4
const CLIENTS_PER_LANE = 3
const REQUEST_TIMEOUT_MS = 30_000

const FIELDS = ['name', 'email', 'phone', 'stage', 'score', 'notes'] as const
const WHO = ['recruiter-1', 'recruiter-2', 'recruiter-3', 'import', 'scoring', 'interviewer'] as const

/** The same plan for the same options: who changes which fields of whom, and which of it at once. */
export function planTraffic(options: TrafficOptions): readonly Step[] {
  const random = createRandom(`traffic ${options.seed}`)
  const hot = options.candidateIds.slice(0, HOT_CANDIDATES)
  const steps: Step[] = []
  let planned = 0
  while (planned < options.requests) {
    const candidateId = random.pick(random.chance(HOT_SHARE) ? hot : options.candidateIds)
    const wanted = random.chance(TOGETHER_SHARE) ? 2 + random.below(TOGETHER_MAX - 1) : 1
    const size = Math.min(wanted, options.requests - planned)
    const from = planned
    steps.push(Array.from({ length: size }, (_, index) => planRequest(random, candidateId, from + index)))
    planned += size
  }
  return steps
}

/** Values are unique, so that a value names the request it came from; only `stage` has few of them, and goes from A
 *  to B and back to A. */
function planRequest(random: Random, candidateId: string, number: number): PlannedRequest {
  const digits = String(number).padStart(6, '0')
  const id = `${random.pick(WHO)}/req-${digits}`
  const values: Readonly<Record<(typeof FIELDS)[number], unknown>> = {
    name: `Candidate ${digits}`,
    email: `candidate.${digits}@example.com`,
    phone: `+44 161 ${digits}`,
    stage: random.pick(STAGES),
    score: 1_000 + number,
    notes: `Note of request ${digits}`,
  }
  const fields = new Set(Array.from({ length: 1 + random.below(3) }, () => random.pick(FIELDS)))
  const changes = [...fields].map((field) => [field, values[field]] as const)
  return { id, candidateId, body: { ...Object.fromEntries(changes), updatedBy: id } }
}

/** Sends the plan over HTTP with `clients` clients and writes down every answer.
 *  @param log gets each request as it is answered, so that progress can be shown */
export async function driveTraffic(
  appUrl: string,
  steps: readonly Step[],
  options: { readonly clients: number; readonly log: ClientRequest[]; readonly signal: AbortSignal },
): Promise<void> {
  const queue = steps.values()
  const lanes = Math.max(1, Math.round(options.clients / CLIENTS_PER_LANE))
  const lane = async () => {
    for (const step of queue) {
      if (options.signal.aborted) return
      await Promise.all(step.map(async (planned) => options.log.push(await send(appUrl, planned))))
      await sleep(0)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

async function send(appUrl: string, planned: PlannedRequest): Promise<ClientRequest> {
  return { ...planned, reply: await patch(appUrl, planned) }
}

async function patch(appUrl: string, planned: PlannedRequest): Promise<AppReply> {
  try {
    const response = await fetch(`${appUrl}/candidates/${planned.candidateId}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(planned.body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    })
    const answer = (await response.json()) as { atsStatus?: number | null }
    if (response.ok) return { kind: 'ok' }
    return response.status === 502 && answer.atsStatus !== undefined
      ? { kind: 'ats-failed', atsStatus: answer.atsStatus }
      : { kind: 'error', status: response.status }
  } catch {
    return { kind: 'error', status: null }
  }
}
