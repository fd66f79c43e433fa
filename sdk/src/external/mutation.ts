import type { EntityRef, WriteAction } from '@syncproof/core/contract'
import { guarded } from '../operation/guarded.ts'
import type { Settled } from '../operation/observe-result.ts'
import { beginSync, type SentSync, type SyncAnswer } from '../operation/report-sync.ts'
import { witnessOf } from '../operation/witness.ts'
import {
  type Call,
  type Exchange,
  guardLater,
  markAround,
  placeOfId,
  recordIn,
  toldEntity,
  whenKnown,
} from './exchange.ts'
import { answerOfFetch, answerWithBody, headerOf, needsBody, retriesOf } from './http-answer.ts'
import { readJson } from './json-body.ts'
import { observeRequest } from './mark-requests.ts'
import { uniqueKeyOf } from './unique-key.ts'

/** A request that changes something is sent: evidence for the mark around it, else a `sync` of its own. */
export function beginMutation(exchange: Exchange): Call | undefined {
  return fillMark(exchange) ?? beginOwn(exchange)
}

function fillMark(exchange: Exchange): Call | undefined {
  const { request, dispatches } = exchange
  const mark = markAround(exchange, 'sync')
  if (!mark) return undefined
  const { contract, uniqueKey } = exchange.options
  const answered = observeRequest(mark, targetOf(exchange), request.header('idempotency-key'))
  const key = uniqueKey && whenKnown(request.body, (body) => keyOf(exchange, body, mark.scope.entity))
  return {
    dispatches,
    settled(result) {
      guarded(mark, () => {
        const answer = answerOf(exchange, result)
        const retries = retriesOf(result, dispatches)
        answered(answer, retries)
        // the mark waits for the app only: what comes later than that is left out
        void whenKnown(key, (value) => {
          const keyed = { ...answer, uniqueKey: value }
          answered(keyed, retries)
          return whenKnown(bodyOf(exchange, result, answer), (body) => {
            if (body !== undefined) answered(answerWithBody(keyed, body, contract), retries)
          })
        })
      })
    },
  }
}

function beginOwn(exchange: Exchange): Call | undefined {
  const { context, request, dispatches } = exchange
  const { operation } = context
  const { contract } = exchange.options
  const sync = whenKnown(request.body, (body) => begin(exchange, body))
  if (sync === undefined) return undefined
  operation.inFlight += 1
  // looked at when the answer is here; a fault before that is not the app's
  if (sync instanceof Promise) sync.catch(() => undefined)
  return {
    dispatches,
    settled(result) {
      guarded(context, () => {
        const answer = answerOf(exchange, result)
        const retries = retriesOf(result, dispatches)
        const body = bodyOf(exchange, result, answer)
        const report = (sent: SentSync | undefined, read: unknown) => {
          operation.inFlight -= 1
          sent?.answered(answerWithBody(answer, read, contract), retries)
        }
        // waits for the body only where that tells something of the sync
        const told = needsBody(contract) ? body : undefined
        const done = whenKnown(sync, (sent) => whenKnown(told, (read) => report(sent, read)))
        void whenKnown(body, (read) => checkReply(exchange, read))
        guardLater(context, done)
      })
    },
  }
}

function begin(exchange: Exchange, body: unknown): SentSync | undefined {
  const { context, options, request, sentAt } = exchange
  const { method, url } = request
  const told = toldEntity(exchange, body)
  const action = options.action?.({ method, url, body }) ?? actionOf(exchange, told)
  if (told === 'none' || action === 'none') return undefined
  const entity = told ?? context.operation.entity
  return beginSync(context.operation, {
    system: options.system,
    entity,
    action,
    payload: recordIn(exchange, body),
    isCopy: true,
    target: targetOf(exchange),
    idempotencyKey: request.header('idempotency-key'),
    uniqueKey: keyOf(exchange, body, entity),
    sentAt,
  })
}

function keyOf(exchange: Exchange, body: unknown, entity: EntityRef): unknown {
  return uniqueKeyOf(exchange.options.uniqueKey, () => recordIn(exchange, body), entity)
}

function actionOf(exchange: Exchange, told: EntityRef | 'none' | undefined): WriteAction {
  const place = placeOfId(exchange, exchange.context.operation.entity.id)
  switch (exchange.request.method) {
    case 'POST':
      return place === undefined ? 'create' : 'update'
    case 'DELETE':
      // below a record: a part of it goes, and the record stays. A false "deleted" would be believed
      return told !== undefined || place === 'end' ? 'delete' : 'update'
    case 'PUT':
      return 'upsert'
    default:
      return 'update'
  }
}

/** Tries of one request have the same; a query may hold what changes with each, such as a time. */
function targetOf({ request, url }: Exchange): string {
  return `${request.method} ${url ? url.origin + url.pathname : request.url}`
}

function answerOf({ request, url, options, dispatches }: Exchange, result: Settled<unknown>): SyncAnswer {
  return answerOfFetch(result, { method: request.method, url, contract: options.contract, dispatches })
}

/** The reply, where it was applied and something of its body is asked for. */
function bodyOf({ options, context }: Exchange, result: Settled<unknown>, answer: SyncAnswer): unknown {
  const isAsked = needsBody(options.contract) || context.operation.declared.contract !== undefined
  if (!result.ok || answer.outcome !== 'ok' || !isAsked) return undefined
  return readReply(result.value)
}

function readReply(response: unknown): Promise<unknown> | undefined {
  if (typeof response !== 'object' || response === null) return undefined
  return readJson(response, (name) => headerOf(response, name))
}

/** The mark checks what its callback returns; without a mark, the reply is what the system answered. */
function checkReply({ context, options }: Exchange, reply: unknown): void {
  const { operation } = context
  if (reply !== undefined)
    operation.declared.contract?.sawResponse(options.system, reply, witnessOf(operation))
}
