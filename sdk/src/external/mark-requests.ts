import type { Outcome } from '@syncproof/core/contract'
import {
  askForMarks,
  type Context,
  type MarkResult,
  type MarkScope,
  type SeenRequests,
} from '../operation/context.ts'
import { beginWithKey, type SyncAnswer } from '../operation/report-sync.ts'

askForMarks()

/** Requests inside one mark; where there are more, one of them counts as never answered. */
const REQUESTS_MAX = 100

/** A request that an adapter saw inside a mark. */
export interface ObservedRequest {
  /** Equal for the tries of one request. */
  readonly target: string
  /** Undefined while there is no answer. */
  answer: SyncAnswer | undefined
  /** How often the client sent it again by itself. */
  retries?: number | undefined
}

/** The requests that adapters saw inside one mark, and what they make of it. */
export class MarkRequests implements SeenRequests {
  readonly #requests: ObservedRequest[]

  constructor(requests: readonly ObservedRequest[] = []) {
    this.#requests = [...requests]
  }

  /** @returns false where there is no room: its answer is not to be told */
  add(request: ObservedRequest): boolean {
    const length = this.#requests.length
    if (length < REQUESTS_MAX) this.#requests.push(request)
    return length < REQUESTS_MAX - 1
  }

  get retries(): number {
    const last = this.#requests.at(-1)
    const tries = this.#requests.filter(({ target }) => target === last?.target)
    return tries.reduce((sum, { retries = 0 }) => sum + 1 + retries, 0) - 1
  }

  answer(own: MarkResult): SyncAnswer {
    const told = this.#requests.findLast(({ answer }) => answer?.outcome === 'ok') ?? this.#requests.at(-1)
    return {
      ...told?.answer,
      externalId: own.externalId ?? told?.answer?.externalId,
      status: this.#requests.at(-1)?.answer?.status ?? own.status,
      outcome: outcomeOf(this.#requests, own),
    }
  }
}

/** Adds a request to what the mark around it reports. @returns tells its answer */
export function observeRequest(
  { operation, scope }: Context & { readonly scope: MarkScope },
  target: string,
  idempotencyKey: string | undefined,
): (answer: SyncAnswer, retries: number) => void {
  const request: ObservedRequest = { target, answer: undefined }
  // an adapter of another copy of this package may have been first
  const seen = scope.requests ?? new MarkRequests()
  scope.requests = seen
  const isTold = seen.add(request)
  const attempt =
    idempotencyKey === undefined ? undefined : beginWithKey(operation, scope.system, idempotencyKey)
  return (answer, retries) => {
    const isDoubted = attempt?.answered(answer.outcome === 'unknown') && answer.outcome === 'rejected'
    if (!isTold) return
    request.answer = { idempotencyKey, ...answer, outcome: isDoubted ? 'unknown' : answer.outcome }
    request.retries = retries
  }
}

function outcomeOf(requests: readonly ObservedRequest[], own: MarkResult): Outcome {
  // an earlier try may have been applied, whatever the last one was told
  if (own.isDeclared) return requests.slice(0, -1).some(isOpen) ? 'unknown' : own.outcome
  const targets = [...new Set(requests.map(({ target }) => target))]
  const outcomes = targets.map((target) => outcomeOfTries(requests.filter((each) => each.target === target)))
  const [first = 'unknown'] = outcomes
  if (outcomes.includes('unknown')) return 'unknown'
  if (outcomes.every((outcome) => outcome === first)) return first
  // refused, and then done in another way (update, else create); else only a part of it was done
  return own.resolved && requests.at(-1)?.answer?.outcome === 'ok' ? 'ok' : 'unknown'
}

function outcomeOfTries(tries: readonly ObservedRequest[]): Outcome {
  if (tries.some(({ answer }) => answer?.outcome === 'ok')) return 'ok'
  return tries.some(isOpen) ? 'unknown' : 'rejected'
}

function isOpen({ answer }: ObservedRequest): boolean {
  return answer === undefined || answer.outcome === 'unknown'
}
