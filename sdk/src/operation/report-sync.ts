import {
  type EntityRef,
  entityKey,
  type Fingerprints,
  limits,
  type Outcome,
  type WriteAction,
} from '@syncproof/core/contract'
import { elapsedUs, type Moment, now, stamp } from '../clock.ts'
import type { Context, MarkScope } from './context.ts'
import type { Instruments, Operation } from './operation.ts'
import { fieldNames, isStorable, memberOf } from './record-reader.ts'
import { type Attempt, SyncLedger } from './sync-ledger.ts'

/** Requests inside one mark; where there are more, one of them counts as never answered. */
const REQUESTS_MAX = 100

/** What is sent to an external system. */
export interface SyncInput {
  readonly system: string
  readonly entity: EntityRef
  readonly action: WriteAction
  readonly payload: unknown
  /** The payload went over the wire: it was read from JSON, so it is a copy of whatever record it carries. */
  readonly isCopy?: boolean | undefined
  /** Where it is sent, so that two payloads that cannot be read are not taken for the same one. */
  readonly target?: string | undefined
  /** Where the app counts by itself. */
  readonly attempt?: number | undefined
  readonly idempotencyKey?: string | undefined
  /** The operation whose write it carries. Default: what the wrapper declares. */
  readonly onBehalfOf?: string | undefined
  /** Default: now. */
  readonly sentAt?: Moment | undefined
}

/** What came back. */
export interface SyncAnswer {
  readonly outcome: Outcome
  readonly status?: number | undefined
  readonly externalId?: string | undefined
  readonly externalVersion?: string | undefined
  /** Revisions of the system are ordered, and `externalVersion` is a decimal text. */
  readonly externalOrdered?: boolean | undefined
  /** Where only the request told it. */
  readonly idempotencyKey?: string | undefined
}

/** A sync that was sent. */
export interface SentSync {
  readonly fields: Fingerprints
  /** Makes the event; once.
   *  @param repeated how often it was sent again, under the same roof, after the first time */
  answered(answer: SyncAnswer, repeated?: number): void
}

/** Notes that a sync is sent: its payload is read now, because the app may change it later. The one way in
 *  which marks and adapters make `sync` events. */
export function beginSync(operation: Operation, input: SyncInput): SentSync {
  const { system, entity } = input
  const fields = operation.readFields(entity, input.payload)
  const version = carriedVersion(operation, input, fields)
  const attempts = beginAttempts(operation, input, fields)
  const counted = Math.max(...attempts.map(({ number }) => number))
  // the app knows of attempts that nobody saw here: they may have been left without an answer
  const hasUnseen = (input.attempt ?? 1) > counted
  const sentAt = input.sentAt ?? now()
  return {
    fields,
    answered(answer, repeated = 0) {
      const durationUs = elapsedUs(sentAt)
      const doubts = attempts.map((attempt) => attempt.answered(answer.outcome === 'unknown'))
      const isDoubted = hasUnseen || doubts.includes(true)
      operation.produce({
        kind: 'sync',
        operation_id: operation.id,
        ...stamp(sentAt),
        system,
        entity,
        action: input.action,
        version,
        fields,
        // the definite answer is to this attempt alone
        outcome: answer.outcome === 'rejected' && isDoubted ? 'unknown' : answer.outcome,
        external_id: storable(answer.externalId),
        external_version: storable(answer.externalVersion),
        external_ordered: answer.externalOrdered || undefined,
        status: answer.status,
        attempt: input.attempt ?? counted + repeated,
        idempotency_key: storable(input.idempotencyKey ?? answer.idempotencyKey),
        on_behalf_of: input.onBehalfOf ?? operation.declared.onBehalfOf,
        duration_us: durationUs,
      })
    },
  }
}

function beginAttempts(operation: Operation, input: SyncInput, fields: Fingerprints): Attempt[] {
  const { system, entity, action, target, idempotencyKey } = input
  const key = JSON.stringify([system, entityKey(entity), action, target, fields])
  const attempt = operation.root.syncs.begin(key)
  if (idempotencyKey === undefined) return [attempt]
  return [attempt, beginWithKey(operation, system, idempotencyKey)]
}

// by client, for retries that the app makes in another wrapped call
const ledgers = new WeakMap<Instruments, SyncLedger>()

function beginWithKey({ instruments }: Operation, system: string, idempotencyKey: string): Attempt {
  const ledger = ledgers.get(instruments) ?? new SyncLedger()
  ledgers.set(instruments, ledger)
  return ledger.begin(JSON.stringify([system, idempotencyKey]))
}

function carriedVersion(operation: Operation, input: SyncInput, fields: Fingerprints): string | undefined {
  const { carried } = operation
  if (!input.isCopy) return carried.ofObject(input.payload, fields)
  return carried.ofCopy(fields, datesOf(operation, input))
}

// what JSON makes of a Date
const JSON_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/

function datesOf(operation: Operation, { entity, payload }: SyncInput): Fingerprints {
  const dates: Record<string, string> = Object.create(null)
  for (const field of fieldNames(payload)) {
    const member = memberOf(payload, field)
    if (!member.readable || typeof member.value !== 'string' || !JSON_DATE.test(member.value)) continue
    const value = new Date(member.value)
    const date = { readable: true, value } as const
    const fingerprint = operation.instruments.reader.field(entity, field, date, operation.fingerprints)
    if (fingerprint !== undefined) dates[field] = fingerprint
  }
  return dates
}

function storable(text: string | undefined): string | undefined {
  const fits = text !== undefined && text !== '' && text.length <= limits.stringLengthMax && isStorable(text)
  return fits ? text : undefined
}

/** A request that an adapter saw inside a mark. */
export interface ObservedRequest {
  /** Equal for the tries of one request. */
  readonly target: string
  /** Undefined while there is no answer. */
  answer: SyncAnswer | undefined
}

/** Adds a request to what the mark around it reports. @returns tells its answer */
export function observeRequest(
  { operation, scope }: Context & { readonly scope: MarkScope },
  target: string,
  idempotencyKey: string | undefined,
): (answer: SyncAnswer) => void {
  const request: ObservedRequest = { target, answer: undefined }
  const requests = scope.requests ?? []
  const isTooMany = requests.length >= REQUESTS_MAX - 1
  if (requests.length < REQUESTS_MAX) scope.requests = [...requests, request]
  const attempt =
    idempotencyKey === undefined ? undefined : beginWithKey(operation, scope.system, idempotencyKey)
  return (answer) => {
    const isDoubted = attempt?.answered(answer.outcome === 'unknown') && answer.outcome === 'rejected'
    if (isTooMany) return
    request.answer = { idempotencyKey, ...answer, outcome: isDoubted ? 'unknown' : answer.outcome }
  }
}

/** What the callback of a mark came to. */
export interface MarkResult extends SyncAnswer {
  readonly resolved: boolean
  /** The app declares this outcome for this very error. */
  readonly isDeclared: boolean
}

/** What the requests inside a mark, where an adapter saw any, and its own result say of it. */
export function answerOf(requests: readonly ObservedRequest[], own: MarkResult): SyncAnswer {
  const last = requests.at(-1)
  if (!last) return own
  const told = requests.findLast(({ answer }) => answer?.outcome === 'ok') ?? last
  return {
    ...told.answer,
    externalId: own.externalId ?? told.answer?.externalId,
    status: last.answer?.status ?? own.status,
    outcome: outcomeOf(requests, own),
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

/** How often the last request inside a mark was tried before. */
export function triesBefore(requests: readonly ObservedRequest[]): number {
  const last = requests.at(-1)
  return last ? requests.filter(({ target }) => target === last.target).length - 1 : 0
}
