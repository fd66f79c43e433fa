import type { FastifyInstance, FastifyRequest } from 'fastify'
import { collectorLimits } from '../limits.ts'
import { ProblemError } from './problem.ts'

/** What one key may send, whatever it is. It may save up `quotaBurstSeconds` of it. */
export interface Quota {
  readonly requestsPerSecond: number
  /** Of bodies as sent. */
  readonly bytesPerSecond: number
}

export interface AdmissionOptions {
  readonly quota: Quota
  /** Of bodies, as sent and inflated, that are in memory at once. */
  readonly bytesMax: number
  /** Milliseconds; only ever goes forward. */
  readonly clockMs: () => number
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its bodies are many and large: they count towards quota and memory. */
    readonly isIngest?: boolean
  }
  interface FastifyRequest {
    /** Of an ingest route, from the first byte of the body on. */
    admitted: Admitted | null
  }
}

/** The place of one request's body in memory. */
export class Admitted {
  readonly #house: Admission
  readonly #allowance: Allowance
  /** As sent: what the key was charged for, and what has come. */
  #charged: number
  #sent = 0
  /** What it counts for, and what of that is there. */
  #bytes: number
  #kept = 0
  #busy = false
  #left = false

  /** @param charged bytes that `allowance` has given for it
   *  @param bytes that are expected. @throws ProblemError `overloaded` */
  constructor(house: Admission, allowance: Allowance, charged: number, bytes: number) {
    house.take(bytes)
    this.#house = house
    this.#allowance = allowance
    this.#charged = charged
    this.#bytes = bytes
  }

  /** So many bytes more came, as they were sent: who does not say before how many there will be pays as they come. */
  arrive(bytes: number): void {
    this.#sent += bytes
    const more = this.#sent - this.#charged
    if (more <= 0) return
    this.#allowance.owe(more)
    this.#charged = this.#sent
  }

  /** So many bytes more are there. After `leave` nobody keeps them.
   *  @throws ProblemError `overloaded` */
  grow(bytes: number): void {
    if (this.#left) throw new ProblemError('request_timeout', 'The request has been answered already.')
    this.#kept += bytes
    const more = this.#kept - this.#bytes
    if (more <= 0) return
    this.#house.take(more)
    this.#bytes = this.#kept
  }

  /** Holds the place until `run` has ended, also where its request was answered or broken off before. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    this.#busy = true
    try {
      return await run()
    } finally {
      this.#busy = false
      this.leave()
    }
  }

  leave(): void {
    if (this.#busy || this.#left) return
    this.#left = true
    this.#house.give(this.#bytes)
  }
}

/** Turns a request away before its body is read: 429 where its key has used up its quota, 503 where bodies fill the
 *  memory that they may have. */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #quotas = new Map<string, Allowance>()
  #bytes = 0

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Of all bodies in memory. */
  get bytes(): number {
    return this.#bytes
  }

  /** @param sent bytes of the body, as its head says
   *  @param expected bytes that it will be in memory: who only finds out while inflating that there is no room has filled it
   *    with halves
   *  @throws ProblemError `too_many_requests`, `overloaded` */
  enter(keyId: string, sent: number, expected: number): Admitted {
    const allowance = this.#allowanceOf(keyId)
    const charged = Math.max(sent, collectorLimits.requestBytesMin)
    allowance.use(charged)
    return new Admitted(this, allowance, charged, Math.max(expected, collectorLimits.requestBytesMin))
  }

  take(bytes: number): void {
    if (this.#bytes + bytes > this.#options.bytesMax) {
      throw new ProblemError('overloaded', 'More is coming in than can be stored. Nothing of this was.', {
        headers: { 'retry-after': String(collectorLimits.retryAfterSeconds) },
      })
    }
    this.#bytes += bytes
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }

  #allowanceOf(keyId: string): Allowance {
    const known = this.#quotas.get(keyId)
    if (known) return known
    const made = new Allowance(this.#options.quota, this.#options.clockMs)
    this.#quotas.set(keyId, made)
    const oldest = this.#quotas.keys().next().value
    if (this.#quotas.size > collectorLimits.keyCacheMax && oldest !== undefined) this.#quotas.delete(oldest)
    return made
  }
}

/** Two token buckets. */
class Allowance {
  readonly #quota: Quota
  readonly #clockMs: () => number
  #requests: number
  #bytes: number
  #atMs: number

  constructor(quota: Quota, clockMs: () => number) {
    this.#quota = quota
    this.#clockMs = clockMs
    this.#requests = quota.requestsPerSecond * collectorLimits.quotaBurstSeconds
    this.#bytes = quota.bytesPerSecond * collectorLimits.quotaBurstSeconds
    this.#atMs = clockMs()
  }

  /** A body that is larger than all that is left may still come: the debt is waited off before the next one. */
  use(bytes: number): void {
    const { requestsPerSecond, bytesPerSecond } = this.#quota
    const nowMs = this.#clockMs()
    const seconds = (nowMs - this.#atMs) / 1000
    const full = collectorLimits.quotaBurstSeconds
    this.#atMs = nowMs
    this.#requests = Math.min(this.#requests + seconds * requestsPerSecond, full * requestsPerSecond)
    this.#bytes = Math.min(this.#bytes + seconds * bytesPerSecond, full * bytesPerSecond)
    const waitSeconds = Math.max((1 - this.#requests) / requestsPerSecond, -this.#bytes / bytesPerSecond)
    if (waitSeconds > 0) {
      throw new ProblemError(
        'too_many_requests',
        `This key may send ${requestsPerSecond} requests and ${bytesPerSecond} bytes a second.`,
        { headers: { 'retry-after': String(Math.ceil(waitSeconds)) } },
      )
    }
    this.#requests -= 1
    this.#bytes -= bytes
  }

  /** Of a request that was let in. */
  owe(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** Lets the bodies of ingest routes in, one by one, once their key is known. */
export function admitBodies(app: FastifyInstance, admission: Admission): void {
  app.decorateRequest('admitted', null)
  app.addHook('preParsing', async (request, reply) => {
    const { config, bodyLimit } = request.routeOptions
    if (config.isIngest !== true) return
    // while its key was looked up: nothing would say so once more
    if (request.raw.destroyed) throw new ProblemError('invalid_encoding', 'The body did not come.')
    // what is announced past the limit is not read: it must not be waited off, either
    const sent = Math.min(announcedBytes(request), bodyLimit)
    const ratio = request.headers['content-encoding'] === undefined ? 1 : collectorLimits.inflationExpected
    const expected = Math.min(sent * ratio, config.inflatedBytesMax ?? bodyLimit)
    const admitted = admission.enter(request.caller?.id ?? '', sent, expected)
    request.admitted = admitted
    // and not onResponse: that is not called where the sender has gone before its answer
    reply.raw.once('close', () => admitted.leave())
  })
}

/** 0 where the head does not say: what comes is counted as it comes. */
function announcedBytes({ headers }: FastifyRequest): number {
  const bytes = Number(headers['content-length'])
  return Number.isSafeInteger(bytes) ? bytes : 0
}
