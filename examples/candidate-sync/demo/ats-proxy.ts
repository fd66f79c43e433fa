import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultKind, FaultPlan } from './ats-faults.ts'
import type { AtsRequest } from './oracle/evidence.ts'

const BODY_BYTES_MAX = 64 * 1024
/** Longer than any pause of the traffic: the proxy never closes a connection that a request is on its way to. */
const KEEP_ALIVE_MS = 60_000

export interface AtsProxy {
  readonly url: string
  /** Every request so far, in the order of arrival. An entry is complete once `inFlight()` no longer counts it. */
  readonly log: readonly AtsRequest[]
  /** Requests that are still being forwarded or answered, also those whose client is gone. */
  inFlight(): number
  close(): Promise<void>
}

/** Stands between the app and the ATS, does what `plan` says of each request, and writes down what it did. */
export async function startAtsProxy(options: {
  readonly target: string
  readonly plan: (requestId: string) => FaultPlan
}): Promise<AtsProxy> {
  const log: AtsRequest[] = []
  const agent = new Agent({ keepAlive: true })
  let inFlight = 0
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
    inFlight += 1
    // the client may be gone by the time the answer is written; that is one of the faults
    outgoing.on('error', () => {})
    void handle(incoming, outgoing)
      .catch(() => outgoing.destroy())
      .finally(() => {
        inFlight -= 1
      })
  })
  server.listen(0, '127.0.0.1')
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject))
  const { port } = server.address() as AddressInfo

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readBody(incoming)
    const record = JSON.parse(body.toString()) as Record<string, unknown>
    const requestId = String(record.updatedBy)
    const plan = options.plan(requestId)
    const entry: AtsRequest = {
      requestId,
      candidateId: decodeURIComponent((incoming.url ?? '').split('/').at(-1) ?? ''),
      body: record,
      fault: plan.kind,
      atsStatus: null,
      answeredStatus: null,
    }
    log.push(entry)
    await sleep(plan.delayBeforeMs)
    const answer = await answerOf(plan.kind, incoming, body, entry)
    await sleep(plan.delayAfterMs)
    if (!answer || plan.kind === 'lose-reply' || outgoing.destroyed) {
      outgoing.destroy()
      return
    }
    entry.answeredStatus = answer.status
    outgoing.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
  }

  async function answerOf(fault: FaultKind, incoming: IncomingMessage, body: Buffer, entry: AtsRequest) {
    if (fault === 'lose-request') return undefined
    if (fault === 'reject')
      return { status: 422, body: Buffer.from('{"error":"the ATS does not accept this"}') }
    const answer = await forward(incoming, body)
    entry.atsStatus = answer.status
    return answer
  }

  function forward(incoming: IncomingMessage, body: Buffer): Promise<{ status: number; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        new URL(incoming.url ?? '/', options.target),
        {
          method: incoming.method,
          agent,
          headers: { 'content-type': 'application/json', 'content-length': body.length },
        },
        (response) => {
          readBody(response).then(
            (content) => resolve({ status: response.statusCode ?? 0, body: content }),
            reject,
          )
        },
      )
      outgoing.once('error', reject).end(body)
    })
  }

  return {
    url: `http://127.0.0.1:${port}`,
    log,
    inFlight: () => inFlight,
    async close() {
      server.closeAllConnections()
      agent.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new RangeError(`a body over ${BODY_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
